// @ts-check
// What is changed: what is not applied yet, and what differs from the defaults.
import { element, tool } from "./dom.js";

/** @typedef {import("./options_controls.js").Field} Field */
/** @typedef {{key: string, field: Field, page: {title: string}, value: any}} Row `value` is what is typed */
/** @typedef {{revert: (keys: string[]) => void, reset: (keys: string[]) => void, show: (key: string) => void}} Acts */

const same = (/** @type {unknown} */ one, /** @type {unknown} */ other) => JSON.stringify(one) === JSON.stringify(other);

/** A setting's value as a person reads it. @param {any} value @returns {string} */
export function words(value) {
    if (value === true) return "on";
    if (value === false) return "off";
    if (Array.isArray(value)) return value.join(", ") || "(none)";
    return value === "" || value === null || value === undefined ? "(empty)" : String(value);
}

/** @param {Row[]} rows @param {Record<string, any>} saved @param {Acts} acts @returns {HTMLElement[]} */
export function changesView(rows, saved, acts) {
    const open = rows.filter(({ key, value }) => !same(value, saved[key]));
    const restorable = rows.filter(({ field, value }) => !same(value, field.value));
    const other = restorable.filter(({ key, field }) => !same(saved[key], field.value));
    return [
        part("Not applied yet", open, ["Setting", "Now", "New"], ({ key, value }) => [saved[key], value], "As it was",
            (keys) => acts.revert(keys), acts.show, "Everything is applied."),
        part("Not the default", other, ["Setting", "Default", "Now"], ({ key, field }) => [field.value, saved[key]], "Back to the default",
            (keys) => acts.reset(keys), acts.show, "Every setting has its default value."),
        restorable.length > 1 && element("button", { type: "button", class: "reset-all",
            onclick: () => acts.reset(restorable.map(({ key }) => key)) }, "Reset all settings"),
    ].filter(Boolean);
}

/**
 * @param {string} title @param {Row[]} rows @param {string[]} heads @param {(row: Row) => any[]} values
 * @param {string} name of the button of each row @param {(keys: string[]) => void} undo @param {(key: string) => void} show
 * @param {string} nothing what is said without any rows
 */
function part(title, rows, heads, values, name, undo, show, nothing) {
    const head = element("header", {}, element("h2", {}, title), element("span", { class: "quiet" }, String(rows.length)));
    if (!rows.length) return element("div", { class: "changes" }, head, element("p", { class: "quiet" }, nothing));
    const lines = rows.map((row) => element("tr", {},
        element("td", {},
            element("button", { type: "button", class: "plain link", title: row.key, onclick: () => show(row.key) }, row.field.label),
            element("small", {}, row.page.title)),
        ...values(row).map((value) => element("td", { class: "value", translate: false }, words(value))),
        element("td", {}, tool("reset", name, () => undo([row.key]), { "aria-label": `${name}: ${row.field.label}` }))));
    return element("div", { class: "changes" }, head, element("table", {},
        element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)), element("td"))),
        element("tbody", {}, ...lines)));
}
