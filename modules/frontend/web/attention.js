// @ts-check
// The weight of words in a prompt, as (words:1.1), changed by a key.
import { setting } from "./page_settings.js";

/**
 * @typedef {object} Edit what to replace, and what to select then
 * @property {number} start
 * @property {number} end
 * @property {string} text
 * @property {number} from
 * @property {number} to
 */

/** @typedef {{start: number, end: number}} Span `start` is its first character, `end` the one after its last */

const BRACKET = 1.1; // what a pair of round brackets without a number means
const MOST = 10;
const SIGNS = "()[]<>|:\\"; // a word never reaches over these
/** @type {Record<string, string>} */
const BLANKS = { Tab: "\t", "Carriage Return": "\r", "Line Feed": "\n" };
const NUMBER = /^:\s*([0-9]*\.?[0-9]+)\s*\)/;

/**
 * The edit that makes the selected words stronger or weaker. Without a selection: the group with a weight that the caret is in,
 * else the word there. Inside <kind:name:1> it is that number.
 * @param {string} text
 * @param {number} start of the selection
 * @param {number} end of the selection
 * @param {1 | -1} direction
 * @returns {Edit | undefined} undefined where there is no word
 */
export function reweighted(text, start, end, direction) {
    const network = around(text, { start, end }, "<", ">");
    if (network) return weighNetwork(text, network, direction);
    const words = start === end ? groupOrWord(text, start) : trimmed(text, { start, end });
    if (words.start === words.end) return undefined;
    const { outer, weight } = unwrapped(text, words);
    const step = setting("keyedit_precision_attention", 0.1);
    return wrapped(outer, text.slice(words.start, words.end), rounded(weight + direction * step, step));
}

/** @param {Span} outer @param {string} words @param {number} weight @returns {Edit} */
function wrapped(outer, words, weight) {
    const plain = weight === 1;
    const from = outer.start + (plain ? 0 : 1);
    return { ...outer, text: plain ? words : `(${words}:${weight})`, from, to: from + words.length };
}

/** @param {number} weight @param {number} step */
const rounded = (weight, step) => tidy(Math.min(MOST, Math.max(0, weight)), step);

/** As many digits as a step needs. @param {number} value @param {number} step */
function tidy(value, step) {
    const unit = Number.isInteger(Math.round(step * 1e6) / 1e4) ? 100 : 1000;
    return Math.round(value * unit) / unit;
}

/** Whether a sign ends a word: the settings say which do. @param {string} sign */
function breaks(sign) {
    if (SIGNS.includes(sign) || setting("keyedit_delimiters", ", ").includes(sign)) return true;
    return setting("keyedit_delimiters_whitespace", Object.keys(BLANKS)).some((/** @type {string} */ name) => BLANKS[name] === sign);
}

/** The words of the nearest group with a number, else the word at the caret. @param {string} text @param {number} caret @returns {Span} */
function groupOrWord(text, caret) {
    for (let span = around(text, { start: caret, end: caret }, "(", ")"); span; span = around(text, span, "(", ")")) {
        const colon = text.lastIndexOf(":", span.end - 1);
        if (colon > span.start && NUMBER.test(text.slice(colon, span.end))) return { start: span.start + 1, end: colon };
    }
    let [start, end] = [caret, caret];
    while (start > 0 && !breaks(text[start - 1])) start--;
    while (end < text.length && !breaks(text[end])) end++;
    return { start, end };
}

/**
 * A selection without the spaces at its ends, and without brackets that it holds whole.
 * @param {string} text
 * @param {Span} span
 * @returns {Span}
 */
function trimmed(text, { start, end }) {
    while (start < end && /\s/.test(text[start])) start++;
    while (end > start && /\s/.test(text[end - 1])) end--;
    const group = /^\((.*):\s*[0-9]*\.?[0-9]+\s*\)$/s.exec(text.slice(start, end));
    return group && !/[()]/.test(group[1]) ? { start: start + 1, end: start + 1 + group[1].length } : { start, end };
}

/** The brackets that stand directly around some words, and the weight they make. @param {string} text @param {Span} words */
function unwrapped(text, words) {
    let { start, end } = words;
    let weight = 1;
    for (;;) {
        const before = text[start - 2] === "\\" ? "" : text[start - 1];
        const number = NUMBER.exec(text.slice(end));
        if (before === "(" && number) {
            weight *= Number(number[1]);
            end += number[0].length;
        } else if (before === "(" && text[end] === ")") {
            weight *= BRACKET;
            end++;
        } else if (before === "[" && text[end] === "]") {
            weight /= BRACKET;
            end++;
        } else {
            return { outer: { start, end }, weight };
        }
        start--;
    }
}

/**
 * The nearest pair of brackets around a span.
 * @param {string} text
 * @param {Span} span
 * @param {string} opening
 * @param {string} closing
 * @returns {Span | undefined}
 */
function around(text, span, opening, closing) {
    const start = seek(text, span.start - 1, -1, opening, closing);
    const end = seek(text, span.end, 1, closing, opening);
    return start === undefined || end === undefined ? undefined : { start, end: end + 1 };
}

/**
 * @param {string} text
 * @param {number} place
 * @param {1 | -1} way
 * @param {string} wanted
 * @param {string} other
 * @returns {number | undefined}
 */
function seek(text, place, way, wanted, other) {
    for (let depth = 0; place >= 0 && place < text.length; place += way) {
        if (text[place - 1] === "\\") continue;
        if (text[place] === other) depth++;
        else if (text[place] === wanted && depth-- === 0) return place;
    }
    return undefined;
}

/** @param {string} text @param {Span} network @param {1 | -1} direction @returns {Edit | undefined} */
function weighNetwork(text, network, direction) {
    const match = /^(<[^:<>]+:[^:<>]+)(?::\s*(-?[0-9]*\.?[0-9]+))?([^<>]*>)$/.exec(text.slice(network.start, network.end));
    if (!match) return undefined;
    const step = setting("keyedit_precision_extra", 0.05);
    const weight = tidy(Number(match[2] ?? 1) + direction * step, step);
    const caret = network.start + match[1].length + 1;
    return { ...network, text: `${match[1]}:${weight}${match[3]}`, from: caret, to: caret };
}
