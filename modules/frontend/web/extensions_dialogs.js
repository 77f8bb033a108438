// @ts-check
// The dialogs before something may run: a new extension, an update, packages.
import { element } from "./dom.js";
import { link } from "./extensions_details.js";
import { ask, size } from "./extensions_tasks.js";

/** @typedef {import("./extensions.js").Row} Row @typedef {import("./extensions.js").Extensions} Tab */

/**
 * Show a dialog until it is closed.
 * @param {string} title @param {(Node | false | null | undefined | "")[]} content
 * @param {[string, () => unknown] | null} yes the main button
 * @param {{no?: string, closed?: () => unknown}} [how] `closed` is called if the main button was not pressed
 */
function dialog(title, content, yes, { no = "Not now", closed } = {}) {
    let said = false;
    const made = element("dialog", { class: "webui extension-dialog", "aria-labelledby": "extension_dialog_title", onclose: () => {
        made.remove();
        if (!said) closed?.();
    } },
        element("h2", { id: "extension_dialog_title" }, title), ...content,
        element("div", { class: "toolbar end" },
            element("button", { type: "button", onclick: () => made.close() }, no),
            yes && element("button", { type: "button", class: "primary", onclick: () => {
                said = true;
                made.close();
                yes[1]();
            } }, yes[0])));
    document.body.append(made);
    made.showModal();
}

/** Show what a new extension is before it may run. @param {string} name @param {Tab} tab */
export async function review(name, tab) {
    const found = await ask(`webui/extensions/details/${name}`);
    if (!found) return;
    const row = /** @type {Row} */ (found.row);
    const turnOn = async () => {
        const now = await tab.act("webui/extensions/switch", { name, on: true });
        if (now?.state === "failed") tab.status?.say(`${now.title}: ${now.problem}`, { wrong: true });
        else if (now) tab.status?.say(`${now.title} is on.`);
    };
    const first = found.missing.length > 0;
    dialog(`Switch on ${row.title}?`, [
        element("p", {}, "An extension is a program: it can do all that you can do on this machine. Switch on only what you trust."),
        facts(found, row),
        found.missing.length > 0 && element("p", {}, "It needs packages that are not installed: ",
            element("code", { translate: "no" }, found.missing.join(", "))),
        found.signs.length > 0 && element("p", { class: "wrong" }, "These files in it are programs of another kind: ",
            element("code", { translate: "no" }, found.signs.join(", "))),
        found.readme && element("details", {}, element("summary", {}, "What it says of itself"),
            element("pre", { class: "readme", translate: "no", tabIndex: 0 }, found.readme)),
    ], first ? ["Install what it needs…", () => packages(name, tab, turnOn)] : ["Switch on", turnOn]);
}

/** @param {any} found @param {Row} row */
function facts(found, row) {
    const list = element("dl");
    const add = (/** @type {string} */ name, /** @type {any} */ value) =>
        value && list.append(element("dt", {}, name), element("dd", { translate: "no" }, value));
    add("Name", element("code", {}, row.name));
    add("Version", row.version);
    add("What it does", row.description);
    add("From", row.source.url ? link(row.source.url) : "");
    add("Commit", row.source.commit && element("code", {}, row.source.commit));
    add("SHA-256", row.source.sha256 && element("code", {}, row.source.sha256));
    list.append(element("dt", {}, "Files"), element("dd", {},
        `${found.files} files, ${found.python_files} of Python, ${size(found.bytes)}`));
    add("Folder", row.folder && element("code", {}, row.folder));
    return list;
}

/**
 * Show which packages would be installed, and install them on a word.
 * @param {string} name
 * @param {Tab} tab
 * @param {() => unknown} [then]
 */
export async function packages(name, tab, then) {
    const plan = await tab.status?.run("Looking for packages:", `webui/extensions/packages/${name}`);
    if (!plan) return;
    tab.status?.clear();
    const list = plan.would_install.map((/** @type {{name: string, version: string}} */ one) =>
        element("li", {}, element("code", { translate: "no" }, `${one.name} ${one.version}`)));
    const install = async () => {
        const row = await tab.status?.run("Installing packages:", "webui/extensions/packages", { name });
        await tab.refresh();
        if (row) await then?.();
    };
    if (!list.length) return then ? then() : tab.act("webui/extensions/retry", { name });
    dialog("Install packages?", [
        element("p", {}, "pip would install these into the program's own environment. What is there already stays as it is."),
        element("ul", { class: "packages" }, ...list),
    ], ["Install", install]);
}

/** Fetch an update, show what it changes, and put it in place on a word. @param {Row} row @param {Tab} tab */
export async function update(row, tab) {
    const found = await tab.status?.run("Fetching the update:", "webui/extensions/update/prepare", { name: row.name });
    if (!found) return;
    tab.status?.clear();
    const drop = () => ask("webui/extensions/update/drop", { json: { name: row.name } });
    if (!found.files.length) {
        drop();
        tab.status?.say(`${row.title} is up to date.`);
        await tab.refresh();
        return;
    }
    const apply = async () => {
        const done = await tab.act("webui/extensions/update/apply", { name: row.name });
        if (done?.problem) tab.status?.say(`The new version cannot be used, so version ${done.version} is back. ${done.problem}`,
            { wrong: true });
        else if (done) tab.status?.say(`${row.title} is at version ${done.version} now.`);
    };
    const first = found.missing.length > 0 && !found.problem;
    const yes = found.problem ? null : /** @type {[string, () => unknown]} */ (first
        ? ["Install what it needs…", () => packages(row.name, tab, apply)] : ["Update", apply]);
    dialog(`Update ${row.title}?`, [
        element("p", { translate: "no" }, `${row.version} → ${found.new_version || "?"}`,
            found.new_commit && element("code", {}, ` ${found.new_commit.slice(0, 12)}`)),
        found.problem && element("p", { class: "wrong" }, found.problem),
        found.commits.length > 0 && listed("What its author says", found.commits, true),
        listed(`Changed files: ${found.files.length}`, found.files, found.files.length <= 12),
        found.new_requires.length > 0 && element("p", {}, "It newly needs: ",
            element("code", { translate: "no" }, found.new_requires.join(", "))),
        element("p", { class: "quiet" }, "The version that is here now is kept, so that you can go back."),
    ], yes, { closed: drop });
}

/** @param {string} title @param {string[]} lines @param {boolean} open */
const listed = (title, lines, open) => element("details", { open }, element("summary", {}, title),
    element("ul", { class: "lines", translate: "no" }, ...lines.map((line) => element("li", {}, line))));
