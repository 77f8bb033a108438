// @ts-check
// A list to choose from, in one expression.
import { element } from "./dom.js";

/**
 * @param {string} label its name for screen readers
 * @param {Record<string, string>} choices each value with its words
 * @param {Record<string, any>} [more]
 */
export const choice = (label, choices, more = {}) =>
    element("select", { "aria-label": label, ...more },
        ...Object.entries(choices).map(([value, words]) => element("option", { value }, words)));
