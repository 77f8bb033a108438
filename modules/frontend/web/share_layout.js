// @ts-check
// A card to share, as what is to be drawn where: on a canvas for PNG, JPEG and WebP, as elements for SVG. Lengths are pixels.

/** @typedef {{x: number, y: number, width: number, height: number}} Box */
/** @typedef {{kind: "fill", color: string} & Box} Fill */
/** @typedef {{kind: "picture", which: "picture" | "logo"} & Box} Picture */
/** @typedef {{kind: "text", x: number, y: number, size: number, weight: number, color: string, words: string}} Text `y`: the baseline */
/** @typedef {{width: number, height: number, items: (Fill | Picture | Text)[]}} Card */
/** @typedef {{page: string, text: string, quiet: string}} Colors */
/** @typedef {{prompt: string, negative: string, settings: string}} Words */
/**
 * @typedef {object} Content
 * @property {{width: number, height: number}} picture
 * @property {{width: number, height: number}} [logo]
 * @property {string} title
 * @property {Words} words without what is not to be on the card
 * @property {Colors} colors
 */

const [EDGE, GAP, LEAST, MOST] = [32, 20, 560, 1200]; // the card's margin, between its parts, and how wide the picture is on it
const LOGO = 40;
const LINES = 40; // of each text; what is longer ends in an ellipsis
const LEADING = 1.45;
const NEGATIVE = /^Negative prompt: /;

/** An infotext in its three parts. @param {string} infotext @returns {Words} */
export function partsOf(infotext) {
    const lines = infotext.split("\n");
    const last = lines.findLastIndex((line) => /^Steps: \d/.test(line));
    const settings = last < 0 ? "" : lines.slice(last).join("\n");
    const above = last < 0 ? lines : lines.slice(0, last);
    const negative = above.findIndex((line) => NEGATIVE.test(line));
    return {
        prompt: above.slice(0, negative < 0 ? undefined : negative).join("\n").trim(),
        negative: negative < 0 ? "" : above.slice(negative).join("\n").replace(NEGATIVE, "").trim(),
        settings: settings.trim(),
    };
}

/**
 * A text in lines that are no wider than a width; words that are wider, and scripts without blanks, break anywhere.
 * @param {string} text @param {number} width @param {(words: string) => number} measure @returns {string[]}
 */
export function wrapped(text, width, measure) {
    const lines = [];
    for (const paragraph of text.split("\n")) {
        let line = "";
        for (const piece of paragraph.match(/\s+|[^\s\u2e80-\uffef]+|[\u2e80-\uffef]/gu) ?? [""]) {
            if (measure(line + piece) <= width) {
                line += piece;
                continue;
            }
            if (line.trim()) lines.push(line.trimEnd());
            line = "";
            for (const sign of piece.trimStart()) {
                if (line && measure(line + sign) > width) {
                    lines.push(line);
                    line = "";
                }
                line += sign;
            }
        }
        lines.push(line.trimEnd());
    }
    return lines.length > LINES ? [...lines.slice(0, LINES - 1), `${lines[LINES - 1]}…`] : lines;
}

/** Where everything stands. @param {Content} content @param {(words: string, size: number, weight: number) => number} measure @returns {Card} */
export function laidOut({ picture, logo, title, words, colors }, measure) {
    const inner = Math.min(MOST, Math.max(LEAST, picture.width));
    const factor = inner / picture.width; // a small picture is enlarged, a large one made smaller
    const high = Math.round(picture.height * factor);
    const width = inner + 2 * EDGE;
    /** @type {Card["items"]} */
    const items = [];
    let y = EDGE;
    if (logo || title) {
        const shown = logo && { width: Math.min(160, logo.width * LOGO / logo.height), height: LOGO };
        if (shown) items.push({ kind: "picture", which: "logo", x: EDGE, y, ...shown });
        const x = EDGE + (shown ? shown.width + 12 : 0);
        const [name] = wrapped(title, width - EDGE - x, (each) => measure(each, 22, 600));
        if (name) items.push({ kind: "text", x, y: y + 28, size: 22, weight: 600, color: colors.text, words: name });
        y += LOGO + GAP;
    }
    items.push({ kind: "picture", which: "picture", x: EDGE, y, width: inner, height: high });
    y += high + GAP;
    for (const [text, size, color] of /** @type {[string, number, string][]} */ ([
        [words.prompt, 18, colors.text], [words.negative && `− ${words.negative}`, 15, colors.quiet], [words.settings, 14, colors.quiet],
    ])) {
        if (!text) continue;
        for (const line of wrapped(text, inner, (each) => measure(each, size, 400))) {
            y += size * LEADING;
            if (line) items.push({ kind: "text", x: EDGE, y: Math.round(y - size * 0.35), size, weight: 400, color, words: line });
        }
        y += GAP / 2;
    }
    const height = Math.round(y + EDGE - GAP / 2);
    return { width, height, items: [{ kind: "fill", color: colors.page, x: 0, y: 0, width, height }, ...items] };
}
