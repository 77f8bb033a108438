// @ts-check
// A prompt as its parts between commas, and back. Nothing here touches the page.

/** @typedef {{text: string, weight: number, off: boolean, start: number, end: number}} Part `start` and `end`: in the prompt; -1 if it is off */

const LEAST = 0.1, MOST = 1.9;

/**
 * The parts of a prompt. Commas inside brackets do not part; `(text:1.2)` is `text` with a weight.
 * @param {string} prompt
 * @returns {Part[]}
 */
export function partsOf(prompt) {
    /** @type {Part[]} */
    const parts = [];
    let start = 0, depth = 0;
    for (let place = 0; place <= prompt.length; place++) {
        const sign = prompt[place];
        if (sign === "\\") {
            place++;
            continue;
        }
        if (sign && "([<{".includes(sign)) depth++;
        if (sign && ")]>}".includes(sign)) depth = Math.max(0, depth - 1);
        if (place < prompt.length && (depth > 0 || !",，\n".includes(sign))) continue;
        add(parts, prompt, start, Math.min(place, prompt.length));
        start = place + 1;
    }
    return parts;
}

/** @param {Part[]} parts @param {string} prompt @param {number} start @param {number} end */
function add(parts, prompt, start, end) {
    while (start < end && /\s/.test(prompt[start])) start++;
    while (end > start && /\s/.test(prompt[end - 1])) end--;
    if (start >= end) return;
    const whole = prompt.slice(start, end);
    const weighed = /^\((.*):\s*(\d*\.?\d+)\)$/s.exec(whole);
    const single = weighed && balanced(weighed[1]);
    parts.push({ text: single ? weighed[1] : whole, weight: single ? Number(weighed[2]) : 1, off: false, start, end });
}

/** Whether brackets pair within a text. @param {string} text */
function balanced(text) {
    let depth = 0;
    for (const sign of text.replace(/\\./gs, "")) {
        if (sign === "(") depth++;
        if (sign === ")" && --depth < 0) return false;
    }
    return depth === 0;
}

/** A part as it stands in a prompt. @param {{text: string, weight: number}} part */
export const written = ({ text, weight }) => (weight === 1 ? text : `(${text}:${weight})`);

/** The prompt of some parts; those that are off are left out. @param {{text: string, weight: number, off: boolean}[]} parts */
export const promptOf = (parts) => parts.filter((part) => !part.off).map(written).join(", ");

/** A weight one step of 0.1 on, from 0.1 to 1.9; a network's tag has its weight within. @param {Part} part @param {1 | -1} direction @returns {Part} */
export function stepped(part, direction) {
    const network = /^<(\w+:[^:<>]+):(-?\d*\.?\d+)(.*)>$/.exec(part.text);
    const next = (/** @type {number} */ from) => Math.min(MOST, Math.max(LEAST, Math.round((from + direction / 10) * 10) / 10));
    if (network) return { ...part, text: `<${network[1]}:${next(Number(network[2]))}${network[3]}>` };
    return { ...part, weight: next(part.weight) };
}
