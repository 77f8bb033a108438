// @ts-check
// The page of what is installed: a table with a switch, the time spent and what went wrong, and more of each on a click.
import { element, tool } from "./dom.js";
import { details } from "./extensions_details.js";
import { review, update } from "./extensions_dialogs.js";
import { ask, duration } from "./extensions_tasks.js";

/** @typedef {import("./extensions.js").Row} Row @typedef {import("./extensions.js").Overview} Overview */

const MODES = /** @type {const} */ ([
    ["none", "none"],
    ["extra", "extra"],
    ["all", "all"],
]);
/** @type {Record<Row["state"], string>} */
const STATES = { on: "On", off: "Off", new: "New", failed: "Cannot be used", twin: "Name is taken" };

export class Installed {
    /** The rows that are open, by key. @type {Set<string>} */
    open = new Set();

    /** @param {import("./extensions.js").Extensions} tab */
    constructor(tab) {
        this.tab = tab;
        this.filter = element("input", { type: "search", class: "grow", placeholder: "Search",
            "aria-label": "Search in the installed extensions",
            oninput: () => this.draw() });
        this.again = tool("refresh", "Look again for extensions in the folders", () => this.rescan());
        this.check = element("button", { type: "button", onclick: () => this.look() }, "Check for updates");
        this.modes = element("div", { id: "extensions_disable_all", class: "modes", role: "radiogroup",
            "aria-labelledby": "extensions_disable_all_label" },
            element("span", { class: "quiet", id: "extensions_disable_all_label" }, "Disable all extensions"),
            ...MODES.map(([value, word]) => element("label", {},
                element("input", { type: "radio", name: "extensions_disable_all", value, onchange: () => this.mode(value) }), word)));
        this.body = element("tbody");
        this.table = element("table", { id: "extensions" },
            element("thead", {}, element("tr", {}, ...["On", "Extension", "From", "Time",
                "State"].map((word) => element("th", { scope: "col" }, word)))),
            this.body);
        this.empty = element("p", { class: "empty", hidden: true }, "No extension of that name.");
        this.place = element("p", { class: "quiet" }, "Extensions that you add lie in ", element("code", { translate: "no" }));
        this.trash = element("div", { class: "trash" });
        this.element = element("div", { id: "extensions_installed_html" },
            element("div", { class: "toolbar", id: "extensions_installed_top" }, this.check, this.again, this.filter, this.modes),
            this.table, this.empty, this.place, this.trash);
    }

    /** @param {Overview} data */
    update(data) {
        for (const control of [this.check, this.again]) control.disabled = !data.allowed;
        for (const radio of this.modes.querySelectorAll("input")) {
            radio.checked = radio.value === data.mode;
            radio.disabled = !data.allowed || data.forced !== "none";
        }
        this.place.hidden = !data.folder;
        this.place.querySelector("code").textContent = data.folder;
        this.drawTrash(data);
        this.draw();
    }

    draw() {
        const data = this.tab.data;
        if (!data) return;
        const words = this.filter.value.toLowerCase();
        const rows = data.rows.filter((row) => `${row.title} ${row.name} ${row.description}`.toLowerCase().includes(words));
        const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key;
        this.body.replaceChildren(...rows.flatMap((row) => this.rowsOf(row, data)));
        this.empty.hidden = rows.length > 0;
        if (focused) /** @type {HTMLElement | null} */ (this.body.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus();
    }

    /** A row, and the one with its details if it is open. @param {Row} row @param {Overview} data */
    rowsOf(row, data) {
        const key = `${row.origin} ${row.name}`;
        const open = this.open.has(key);
        const line = element("tr", { class: `state-${row.state}`, dataset: { name: row.name } },
            element("td", { class: "switch" }, this.switch(row, key, data)),
            element("td", { class: "what" }, this.title(row, key, open),
                row.version && element("span", { class: "version", translate: "no" }, row.version),
                row.description && element("p", { class: "quiet description", translate: "no" }, row.description),
                (row.state === "failed" || row.state === "twin") && element("p", { class: "wrong" }, row.problem)),
            element("td", { class: "from", dataset: { label: "From" } }, from(row)),
            element("td", { class: "time", dataset: { label: "Time" } }, ...times(row)),
            element("td", { class: "state", dataset: { label: "State" } }, this.state(row, data)));
        if (!open) return [line];
        return [line, element("tr", { class: "details" }, element("td", { colSpan: 5 }, details(row, this.tab)))];
    }

    /** @param {Row} row @param {string} key @param {boolean} open */
    title(row, key, open) {
        return element("button", {
            type: "button", class: "plain title", "aria-expanded": String(open), dataset: { key: `title ${key}` }, translate: "no",
            onclick: () => {
                if (!this.open.delete(key)) this.open.add(key);
                this.draw();
            },
        }, row.title);
    }

    /** @param {Row} row @param {string} key @param {Overview} data */
    switch(row, key, data) {
        return element("input", {
            type: "checkbox", role: "switch", checked: row.on, disabled: !data.allowed || row.state === "twin",
                dataset: { key: `switch ${key}` },
            "aria-label": row.title, translate: "no", onchange: (/** @type {Event} */ event) =>
                this.turn(row, /** @type {any} */ (event.target)),
        });
    }

    /** @param {Row} row @param {HTMLInputElement} control */
    async turn(row, control) {
        if (control.checked && row.state === "new") {
            control.checked = false;
            await review(row.name, this.tab);
            return;
        }
        const now = await ask("webui/extensions/switch", { json: { name: row.name, on: control.checked } });
        await this.tab.refresh();
        if (now?.state === "failed") this.tab.status?.say(`${now.title}: ${now.problem}`, { wrong: true });
    }

    /** @param {Row} row @param {Overview} data */
    state(row, data) {
        const chip = element("span", { class: "chip" }, STATES[row.state]);
        const failed = row.failures.length > 0 && element("span", { class: "chip wrong" }, "It has failed");
        if (!data.allowed) return element("span", { class: "states" }, chip, failed);
        const buttons = [];
        if (row.state === "new") buttons.push(small("Look at it…", row, () => review(row.name, this.tab)));
        if (row.update) buttons.push(small("Update…", row, () => update(row, this.tab)));
        return element("span", { class: "states" }, chip, failed, ...buttons);
    }

    /** @param {string} value */
    async mode(value) {
        await this.tab.act("webui/extensions/mode", { mode: value });
    }

    async rescan() {
        const found = await this.tab.act("webui/extensions/rescan", {});
        if (!found) return;
        const rows = this.tab.data?.rows ?? [];
        const titles = found.new.map((/** @type {string} */ name) => rows.find((row) => row.name === name)?.title ?? name);
        this.tab.status?.say(titles.length ? `New: ${titles.join(", ")}` : "There is nothing new in the folders.");
    }

    async look() {
        const found = await this.tab.status?.run("Looking for updates:", "webui/extensions/check-updates", {});
        await this.tab.refresh();
        if (!found) return;
        const count = Object.keys(found).length;
        if (count === 0) this.tab.status?.say("There are no updates.");
        else this.tab.status?.say(count === 1 ? "There is an update for one extension." : `There are updates for ${count} extensions.`);
    }

    /** @param {Overview} data */
    drawTrash(data) {
        const was = this.trash.querySelector("details")?.open ?? false;
        this.trash.replaceChildren();
        if (!data.removed.length || !data.allowed) return;
        const lines = data.removed.map((one) => element("li", {}, element("span", { translate: "no" }, one.name),
            element("button", { type: "button", "aria-label": `Bring ${one.name} back`,
                onclick: () => this.tab.act("webui/extensions/bring-back", { id: one.id }) },
                "Bring back")));
        this.trash.append(element("details", { open: was }, element("summary", {}, `Removed: ${data.removed.length}`),
            element("ul", {}, ...lines),
            element("button", { type: "button", onclick: () => this.tab.act("webui/extensions/empty-trash", {}) },
                "Delete them for good")));
    }
}

/** @param {string} word @param {Row} row @param {() => unknown} act */
const small = (word, row, act) =>
    element("button", { type: "button", class: "small", dataset: { key: `${word} ${row.name}` }, "aria-label": `${word} ${row.title}`,
        onclick: act }, word);

/** Where one is from, in a word. @param {Row} row */
function from(row) {
    if (row.origin === "bundled") return "bundled";
    const kinds = { git: "git", zip: "zip file", folder: "folder", link: "link to a folder" };
    const kind = kinds[/** @type {keyof typeof kinds} */ (row.source.kind ?? "")] ?? "added";
    const commit = row.source.commit ? row.source.commit.slice(0, 8) : "";
    return element("span", {}, element("span", {}, kind), commit && element("code", { translate: "no" }, commit));
}

/** @param {Row} row @returns {Node[]} */
function times(row) {
    const lines = [];
    if (row.state === "on" || row.load_seconds) lines.push(element("div", {}, `${duration(row.load_seconds)} to load`));
    if (row.per_picture !== null) lines.push(element("div", {}, `${duration(row.per_picture)} a picture`));
    return lines;
}
