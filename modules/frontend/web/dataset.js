// @ts-check
// <webui-dataset>: the workbench for pictures to train on. A grid of them, and beside it captions, tags, the check, cuts and sizes.
import { CaptionsPanel } from "./dataset_captions.js";
import { CheckPanel } from "./dataset_check.js";
import { CutPanel } from "./dataset_cut.js";
import { Pictures } from "./dataset_grid.js";
import { Head } from "./dataset_head.js";
import { SizesPanel } from "./dataset_sizes.js";
import { TagsPanel } from "./dataset_tags.js";
import { TaskLine } from "./dataset_tasks.js";
import { element } from "./dom.js";
import { say } from "./notices.js";
import { call } from "./server.js";

const LAST = "webui-dataset-last";

/**
 * @typedef {{name: string, width: number, height: number, caption: string | null, encoding: string, repeats: number, words: string,
 *     mask: boolean, problem: string, detail: string, frames: number, turned: boolean, transparent: boolean, bytes: number,
 *     stamp: string}} Picture
 */

/** `open(folder, names)` shows a folder. Dispatches on the document "webui-dataset-changed" and "webui-dataset-train", detail {folder}. */
class Dataset extends HTMLElement {
    /** @type {any} the data set as the program told it */
    current = null;
    turn = 0;
    loading = false;
    /** @type {Picture[]} */
    pictures = [];

    connectedCallback() {
        this.classList.add("webui", "dataset");
        if (!this.childElementCount) this.build();
    }

    build() {
        this.task = new TaskLine();
        this.head = new Head(this);
        this.grid = new Pictures(this);
        this.panels = [
            { name: "captions", words: "Captions", panel: new CaptionsPanel(this) },
            { name: "tags", words: "Tags", panel: new TagsPanel(this) },
            { name: "check", words: "Check", panel: new CheckPanel(this) },
            { name: "cut", words: "Cut", panel: new CutPanel(this) },
            { name: "sizes", words: "Sizes", panel: new SizesPanel(this) },
        ];
        this.tabs = element("div", { class: "dataset-tabs", role: "tablist", "aria-label": "Work on pictures",
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.arrows(event) },
        ...this.panels.map(({ name, words }) => element("button", {
            type: "button", class: "plain", role: "tab", id: `dataset_tab_${name}`, "aria-controls": `dataset_${name}`,
            dataset: { name }, onclick: () => this.show(name),
        }, words)));
        const sides = this.panels.map(({ name, panel }) => element("section", {
            role: "tabpanel", id: `dataset_${name}`, "aria-labelledby": `dataset_tab_${name}`, hidden: true, class: "dataset-panel",
        }, panel.element));
        this.sides = sides;
        this.body = element("div", { class: "dataset-body", hidden: true }, this.grid.element,
            element("div", { class: "dataset-side" }, this.tabs, ...sides));
        this.nothing = element("div", { class: "empty" });
        this.append(this.head.element, this.task.element, this.nothing, this.body);
        this.show("captions");
        this.begin();
    }

    /** Show what was looked at last. */
    async begin() {
        const wanted = this.getAttribute("folder");
        await this.head.load();
        if (this.current || this.loading) return;
        if (wanted) return this.open(wanted);
        const last = localStorage.getItem(LAST);
        const known = this.head.shelves.find((/** @type {any} */ one) => one.id === last);
        if (known) await this.choose(known.id);
        else this.empty();
    }

    empty() {
        this.body.hidden = true;
        this.nothing.hidden = false;
        this.nothing.replaceChildren(element("p", {}, this.head.shelves.length ? "Choose a data set above."
            : "Here pictures to train on are looked through and captioned, checked and cut."),
        element("p", {}, this.head.here ? "Any folder of this machine can be opened, and pictures can be dropped here."
            : "Drop pictures here to begin a new data set."));
    }

    /** Open a folder of this machine or of the list. @param {string} folder @param {string[]} [names] pictures to select */
    async open(folder, names = []) {
        this.loading = true;
        await this.head.load();
        const known = this.head.shelves.find((/** @type {any} */ one) => one.folder === folder) ?? await call("webui/datasets",
            { json: { folder } });
        if (!known) {
            this.loading = false;
            return;
        }
        await this.head.load();
        await this.choose(known.id);
        if (names.length) this.grid.select(names);
    }

    /** Show a data set. @param {string} id */
    async choose(id) {
        this.loading = true;
        this.nothing.hidden = true;
        const turn = ++this.turn;
        const seen = await this.task.run(`webui/datasets/${id}/scan`, {});
        if (turn !== this.turn) return undefined; // another one was chosen meanwhile
        this.loading = false;
        if (!seen) return this.current ? undefined : this.empty();
        localStorage.setItem(LAST, id);
        this.grid.reset();
        await this.refresh(id);
        this.panel("check").check();
    }

    /** Read the data set anew. @param {string} [id] */
    async refresh(id = this.current?.id) {
        const found = await call(`webui/datasets/${id}`);
        if (!found) return;
        this.current = found;
        this.pictures = found.pictures;
        this.body.hidden = false;
        this.nothing.hidden = true;
        this.draw();
    }

    draw() {
        this.head.draw();
        this.grid.draw();
        for (const { panel } of this.panels) panel.draw();
    }

    /** Something of the data set was changed. */
    async changed() {
        await this.refresh();
        this.panel("check").stale();
        document.dispatchEvent(new CustomEvent("webui-dataset-changed", { detail: { folder: this.current?.folder } }));
    }

    /** Do something that takes a while; the page shows what became of it. @param {string} what @param {unknown} json */
    async run(what, json) {
        const end = await this.task.run(`webui/datasets/${this.current.id}/${what}`, json);
        if (end) await this.changed();
        return end;
    }

    /** @param {string} what @param {unknown} [json] */
    call(what, json = {}) {
        return call(`webui/datasets/${this.current.id}/${what}`, { json });
    }

    /** The names of the pictures that are worked on: the selected ones, or all that are shown. @returns {string[]} */
    names() {
        const chosen = this.grid.chosen();
        return chosen.length ? chosen : this.grid.shown.map(({ name }) => name);
    }

    /** Whether there are any; no names would mean all pictures to the program. */
    some() {
        if (!this.names().length) say("No picture is shown.", "Choose others above the grid.");
        return this.names().length > 0;
    }

    /** How many that are, in words. */
    whom() {
        const chosen = this.grid.chosen().length;
        if (chosen) return chosen === 1 ? "1 selected picture" : `${chosen} selected pictures`;
        const shown = this.grid.shown.length;
        return shown === this.pictures.length ? `All ${shown} pictures` : `${shown} pictures shown`;
    }

    /** Other pictures are selected. */
    selected() {
        for (const { panel } of this.panels) panel.select();
    }

    /** @param {string} name @returns {any} */
    panel(name) {
        return this.panels.find((one) => one.name === name)?.panel;
    }

    /** @param {string} name */
    show(name) {
        this.at = name;
        for (const [place, tab] of [...this.tabs.children].entries()) {
            const chosen = tab.dataset.name === name;
            tab.setAttribute("aria-selected", String(chosen));
            tab.tabIndex = chosen ? 0 : -1;
            this.sides[place].hidden = !chosen;
        }
        this.panel(name).select();
    }

    /** @param {KeyboardEvent} event */
    arrows(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const place = this.panels.findIndex(({ name }) => name === this.at);
        this.show(this.panels[(place + step + this.panels.length) % this.panels.length].name);
        this.tabs.querySelector("[aria-selected=true]").focus();
    }

    /** The address of a picture, or of a small copy of it. @param {Picture} picture @param {number} [side] */
    address(picture, side) {
        const path = `webui/datasets/${this.current.id}/${side ? "thumbnail" : "picture"}?name=${encodeURIComponent(picture.name)}`;
        return `${path}${side ? `&side=${side}` : ""}&stamp=${picture.stamp}`;
    }
}

customElements.define("webui-dataset", Dataset);
