// @ts-check
// Moving the part of a prompt at the cursor, between two commas, past its neighbour.

/** @typedef {import("./attention.js").Edit} Edit */

/**
 * The edit that moves the parts which a selection touches. Commas inside brackets do not part.
 * @param {string} text
 * @param {number} start of the selection
 * @param {number} end of the selection
 * @param {1 | -1} direction
 * @returns {Edit | undefined} undefined where there is no neighbour
 */
export function movedPart(text, start, end, direction) {
    const parts = split(text);
    const touched = parts.filter((part) => part.start <= end && part.end >= start);
    const first = parts.indexOf(touched[0]);
    const last = parts.indexOf(touched[touched.length - 1]);
    const neighbour = parts[direction < 0 ? first - 1 : last + 1];
    if (first < 0 || !neighbour) return undefined;
    const moving = bare(text, { start: parts[first].start, end: parts[last].end });
    const other = bare(text, neighbour);
    if (moving.start === moving.end || other.start === other.end) return undefined;
    const [left, right] = direction < 0 ? [other, moving] : [moving, other];
    const between = text.slice(left.end, right.start);
    const from = direction < 0 ? left.start : left.start + (right.end - right.start) + between.length;
    return {
        start: left.start, end: right.end, text: text.slice(right.start, right.end) + between + text.slice(left.start, left.end),
        from, to: from + (moving.end - moving.start),
    };
}

/** All parts of a prompt, without the blanks at their ends; empty ones are left out. @param {string} text */
export const partsOf = (text) => split(text).map((part) => bare(text, part)).filter(({ start, end }) => start < end);

/**
 * The edit that puts a part at another place; what stands between parts, commas or a line's end, stays where it is.
 * @param {string} text
 * @param {number} from its place among `partsOf`
 * @param {number} to the place it is to have
 * @returns {{start: number, end: number, text: string} | undefined} undefined where there is no such place
 */
export function placedPart(text, from, to) {
    const parts = partsOf(text);
    if (from === to || !parts[from] || !parts[to]) return undefined;
    const [first, last] = [Math.min(from, to), Math.max(from, to)];
    const words = parts.map(({ start, end }) => text.slice(start, end));
    words.splice(to, 0, ...words.splice(from, 1));
    let made = words[first];
    for (let place = first + 1; place <= last; place++) made += text.slice(parts[place - 1].end, parts[place].start) + words[place];
    return { start: parts[first].start, end: parts[last].end, text: made };
}

/**
 * What to cut so that a part is gone, with one of the commas beside it.
 * @param {string} text
 * @param {number} place among `partsOf`
 * @returns {{start: number, end: number} | undefined}
 */
export function partWithComma(text, place) {
    const parts = partsOf(text);
    const [before, part, after] = [parts[place - 1], parts[place], parts[place + 1]];
    if (!part) return undefined;
    if (after) return { start: part.start, end: after.start };
    return before ? { start: before.end, end: part.end } : { start: 0, end: text.length };
}

/** What stands between commas that are in no bracket; a line's end parts too. @param {string} text */
function split(text) {
    const parts = [];
    let start = 0;
    for (let place = 0, depth = 0; place <= text.length; place++) {
        const sign = text[place];
        if (sign === "\\") {
            place++;
            continue;
        }
        if (sign && "([<{".includes(sign)) depth++;
        if (sign && ")]>}".includes(sign)) depth = Math.max(0, depth - 1);
        if (place < text.length && (depth > 0 || !",\n".includes(sign))) continue;
        parts.push({ start, end: Math.min(place, text.length) });
        start = place + 1;
    }
    return parts;
}

/** A part without the blanks at its ends. @param {string} text @param {{start: number, end: number}} part */
function bare(text, { start, end }) {
    while (start < end && /\s/.test(text[start])) start++;
    while (end > start && /\s/.test(text[end - 1])) end--;
    return { start, end };
}
