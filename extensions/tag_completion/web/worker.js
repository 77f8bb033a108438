// @ts-check
// The index in a thread of its own: typing never waits for it.
import { folding } from "./fold.js";
import { TagIndex } from "./tag_index.js";

const WARMING = ["b", "bl", "lu", "blue", "long ha", "no such tag", "\u84dd\u8272"];

/** @type {TagIndex | undefined} */
let index;

/**
 * `{load: {rows, pairs}}` builds the index and answers `{loaded: tags, seconds}`; `{number, texts, how}` searches the texts in turn until
 * one is found at a word's beginning, and answers `{number, which, hits}`.
 * @param {MessageEvent} event
 */
onmessage = ({ data }) => {
    if (data.load) {
        const begun = performance.now();
        index = new TagIndex(data.load.rows, folding(data.load.pairs));
        for (const text of WARMING) index.search(text); // so that the first answer is as quick as the later ones
        postMessage({ loaded: index.names.length, seconds: (performance.now() - begun) / 1000 });
        return;
    }
    const { number, texts, how } = data;
    postMessage({ number, ...(index ? foundIn(index, texts, how) : { which: -1, hits: [] }) });
};

/**
 * @param {TagIndex} tags
 * @param {string[]} texts the longest first
 * @param {any} how
 */
export function foundIn(tags, texts, how) {
    let rest = { which: -1, hits: /** @type {import("./tag_index.js").Hit[]} */ ([]) };
    for (const [which, text] of texts.entries()) {
        const hits = tags.search(text, how);
        if (hits.some((hit) => hit.score >= 1e-3)) return { which, hits };
        if (hits.length && rest.which < 0) rest = { which, hits };
    }
    return rest;
}
