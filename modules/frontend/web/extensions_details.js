// @ts-check
// What there is to know of one installed extension: where it lies, what it took, what went wrong, and what can be done with it.
import { element } from "./dom.js";
import { packages, update } from "./extensions_dialogs.js";
import { ask, date, duration } from "./extensions_tasks.js";

/** @typedef {import("./extensions.js").Row} Row @typedef {import("./extensions.js").Extensions} Tab */

/** @param {Row} row @param {Tab} tab @returns {HTMLElement} */
export function details(row, tab) {
    return element("div", { class: "more" }, facts(row), spent(row), failures(row),
        row.traceback && trace("How it failed to load", row.traceback), buttons(row, tab));
}

/** @param {Row} row */
function facts(row) {
    const list = element("dl");
    const add = (/** @type {string} */ name, /** @type {Node | string | false | null} */ value) => {
        if (value) list.append(element("dt", {}, name), element("dd", { translate: "no" }, value));
    };
    add("Name", element("code", {}, row.name));
    add("Folder", row.folder && element("code", {}, row.folder));
    add("From", row.source.url ? link(row.source.url) : "");
    add("Branch", row.source.branch ?? "");
    add("Commit", row.source.commit ? element("span", {}, element("code", {}, row.source.commit.slice(0, 12)),
        ` ${date(row.source.date ?? 0)}`) : "");
    add("SHA-256", row.source.sha256 ? element("code", {}, row.source.sha256) : "");
    add("Installed", date(row.installed));
    add("Needs", row.requires.join(", "));
    add("More about it", row.homepage ? link(row.homepage) : "");
    return list;
}

/** An address: a link where it leads to a page. @param {string} url */
export const link = (url) =>
    url.startsWith("https://") ? element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url) : element("code", {}, url);

/** @param {Row} row */
function spent(row) {
    if (!row.spent.length) return row.state === "on" && element("p", { class: "quiet" },
        "It has not been called since the program started.");
    const lines = row.spent.map((one) => element("tr", {}, element("td", {}, element("code", { translate: "no" }, one.hook)),
        cell(one.calls),
        cell(duration(one.seconds / one.calls)), cell(duration(one.slowest)), cell(duration(one.seconds))));
    const head = ["Hook", "Calls", "A call", "The slowest", "Together"].map((word) => element("th", { scope: "col" }, word));
    const table = element("table", { class: "spent" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines));
    const drives = row.spent.some((one) => one.hook === "drive");
    return element("div", { class: "scroller" }, table, drives && element("p", { class: "quiet" },
        "The time of drive is mostly that of the pictures that it had made."));
}

/** @param {string | number} value */
const cell = (value) => element("td", {}, value);

/** @param {Row} row */
function failures(row) {
    if (!row.failures.length) return false;
    const lines = row.failures.map((one) => element("li", {}, element("p", { class: "wrong", translate: "no" }, `${one.hook}: ${one.text}`),
        element("small", {}, date(one.when)), one.traceback && trace("Traceback", one.traceback)));
    return element("div", {}, element("h3", {}, "What went wrong lately"), element("ul", { class: "failures" }, ...lines));
}

/** @param {string} title @param {string} text */
const trace = (title, text) => element("details", {}, element("summary", {}, title),
    element("pre", { translate: "no", tabIndex: 0 }, text));

/** @param {Row} row @param {Tab} tab */
function buttons(row, tab) {
    if (!tab.data?.allowed || row.state === "twin") return false;
    const made = [];
    const add = (/** @type {string} */ word, /** @type {() => unknown} */ act) =>
        made.push(element("button", { type: "button", onclick: act, dataset: { key: `${word} ${row.name}` } }, word));
    if (row.requires.length && row.state === "failed") add("Install what it needs…", () => packages(row.name, tab));
    if (row.origin === "added" && row.source.url && row.source.kind !== "link") add("Update…", () => update(row, tab));
    if (row.earlier) add(`Go back to ${row.earlier}`, () => back(row, tab));
    if (row.state === "on" || row.state === "failed") add("Load it anew", () => tab.act("webui/extensions/retry", { name: row.name }));
    if (row.origin === "added") add("Remove", () => remove(row, tab));
    return made.length > 0 && element("div", { class: "toolbar" }, ...made);
}

/** @param {Row} row @param {Tab} tab */
async function back(row, tab) {
    const done = await tab.act("webui/extensions/go-back", { name: row.name });
    if (done) tab.status?.say(done.problem ? `${row.title} ${done.version}: ${done.problem}`
        : `${row.title} is at version ${done.version} now.`, { wrong: !!done.problem });
}

/** @param {Row} row @param {Tab} tab */
async function remove(row, tab) {
    const gone = await ask("webui/extensions/remove", { json: { name: row.name } });
    await tab.refresh();
    if (gone) tab.status?.say(`${row.title} was removed.`, { buttons: [["Undo",
        () => tab.act("webui/extensions/bring-back", { id: gone.id })]] });
}
