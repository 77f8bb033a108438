// @ts-check
// Tables of the Train tab: a row of headings, and rows whose first cell names them.
import { element } from "./dom.js";

/** @typedef {Node | string | number | false | null | undefined} Content what a cell holds; an array holds several */

/** A cell of several things. @param {Content | Content[]} content @param {string} tag @param {Record<string, any>} values */
const cell = (content, tag, values) => element(tag, values, .../** @type {any[]} */ ([content].flat()));

/**
 * A table; without headings those of the rows are enough. Texts stay as they are written, since most of them name things.
 * @param {(Content | Content[])[]} heads
 * @param {(Content | Content[])[][]} rows
 */
export function table(heads, rows) {
    const head = heads.length > 0 && element("thead", {}, element("tr", {}, ...heads.map((each) => cell(each, "th", { scope: "col" }))));
    const lines = rows.map(([name, ...others]) => element("tr", {}, cell(name, "th", { scope: "row" }),
        ...others.map((each) => cell(each, "td", {}))));
    return element("table", {}, head, element("tbody", {}, ...lines));
}

/** A text that is a person's, or a name: it is not translated. @param {unknown} text */
export const own = (text) => element("span", { translate: "no" }, String(text));
