// @ts-check
// What is being typed: the piece of a prompt that ends at the caret, and what is to be put in its place. Nothing here touches the page.

/** @typedef {{kind: "tags" | "networks" | "wildcards" | "styles" | "chants", start: number, texts: {text: string, start: number}[], type?: number}} Sought */

const BORDERS = /[,，、;；\n|()[\]{}（）【】]/;
const LONGEST = 60;
const WORDS = 4; // as many words before the caret are taken for one tag
const ARTIST = 1;

/**
 * What a person may be looking for.
 * @param {string} text
 * @param {number} caret
 * @returns {Sought | undefined}
 */
export function sought(text, caret) {
    const before = text.slice(0, caret);
    const bracket = /<([^<>\n]{0,80})$/.exec(before);
    if (bracket) {
        const chant = /^c:/i.test(bracket[1]);
        const start = caret - bracket[0].length;
        return { kind: chant ? "chants" : "networks", start, texts: [{ text: bracket[1], start }] };
    }
    const wildcard = /(?<![\p{L}\p{N}_])__([^\s,_]?(?:[^\s,_]|_(?!_))*)$/u.exec(before);
    if (wildcard) return { kind: "wildcards", start: wildcard.index, texts: [{ text: wildcard[1], start: wildcard.index }] };
    const style = /(?:^|[\s,])\$([^\s,$]*)$/.exec(before);
    if (style) {
        const start = caret - style[1].length - 1;
        return { kind: "styles", start, texts: [{ text: style[1], start }] };
    }
    return tags(before);
}

/** @param {string} before what stands before the caret @returns {Sought | undefined} */
function tags(before) {
    let start = before.length;
    while (start > 0 && before.length - start < LONGEST && !isBorder(before, start - 1)) start--;
    const piece = before.slice(start).replace(/^\s*(?:BREAK|AND)\b\s*/, (all) => " ".repeat(all.length));
    if (!piece.trim() || /^\s*[\d.:+-]+$/.test(piece)) return undefined;
    /** @type {{text: string, start: number}[]} */
    const texts = [];
    for (const match of piece.matchAll(/(?:^|(?<=\s))\S/g)) texts.push({ text: piece.slice(match.index), start: start + match.index });
    const last = texts.slice(-WORDS);
    const artist = last.findIndex(({ text }) => text.startsWith("@"));
    if (artist >= 0) {
        const { text, start: from } = last[artist];
        return { kind: "tags", start: from, texts: [{ text: text.slice(1), start: from }], type: ARTIST };
    }
    return { kind: "tags", start, texts: last };
}

/** Whether a sign ends a tag; a bracket behind a backslash is part of one. @param {string} text @param {number} place */
const isBorder = (text, place) => BORDERS.test(text[place]) && text[place - 1] !== "\\";

/**
 * A tag as it is put into a prompt.
 * @param {string} name
 * @param {{underscores: boolean, underscores_kept: string, parentheses: boolean}} how
 */
export function written(name, { underscores, underscores_kept, parentheses }) {
    const kept = underscores_kept.split(",").map((one) => one.trim());
    const plain = underscores && !kept.includes(name) ? name.replaceAll("_", " ") : name;
    return parentheses ? plain.replace(/[()[\]]/g, "\\$&") : plain;
}

/**
 * What belongs behind a tag: a comma and a blank, unless they are there.
 * @param {string} after what stands behind the caret
 * @param {{comma: boolean, space: boolean}} how
 */
export function ending(after, { comma, space }) {
    const blank = space && !/^\s/.test(after) ? " " : "";
    if (!comma) return "";
    if (/^\s*[,，:)\]}|]/.test(after)) return "";
    return after.startsWith("\n") ? "," : `,${blank}`;
}
