// @ts-check
// Two captions, shown as one with what goes and what comes.
import { element } from "./dom.js";

/** What stays, goes and comes, word by word; by the longest common part. @param {string} before @param {string} after */
export function pieces(before, after) {
    const [old, now] = [before, after].map((text) => text.match(/[^\s,]+|,|\s+/g) ?? []);
    const [height, width] = [old.length, now.length];
    if (height * width > 250_000) return [{ kind: "del", text: before }, { kind: "ins", text: after }];
    const table = Array.from({ length: height + 1 }, () => new Uint16Array(width + 1));
    for (let row = height - 1; row >= 0; row--) {
        for (let column = width - 1; column >= 0; column--) {
            table[row][column] = old[row] === now[column] ? table[row + 1][column + 1] + 1 : Math.max(table[row + 1][column],
                table[row][column + 1]);
        }
    }
    /** @type {{kind: string, text: string}[]} */
    const found = [];
    const put = (/** @type {string} */ kind, /** @type {string} */ text) => {
        const last = found[found.length - 1];
        if (last?.kind === kind) last.text += text;
        else found.push({ kind, text });
    };
    let [row, column] = [0, 0];
    while (row < height || column < width) {
        if (row < height && column < width && old[row] === now[column]) {
            put("span", old[row++]);
            column++;
        } else if (row < height && (column === width || table[row + 1][column] >= table[row][column + 1])) put("del", old[row++]);
        else put("ins", now[column++]);
    }
    return found;
}

/** @param {string} before @param {string} after @returns {HTMLElement} */
export const difference = (before, after) =>
    element("p", { class: "dataset-difference", translate: false }, ...pieces(before, after).map(({ kind, text }) => element(kind, {},
        text)));
