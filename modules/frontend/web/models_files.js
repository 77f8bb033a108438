// @ts-check
// The table of model files: what is shown of them, by kind, family, words and state. Only the rows in sight are in the page.
import { afterwards, element, tool } from "./dom.js";
import { call } from "./server.js";
import { FAMILIES, dayOf, sizeOf } from "./models_words.js";
import { askToEmpty, showTrash } from "./models_trash.js";

const AROUND = 12; // rows beyond those in sight
/** @typedef {{title: string, by: (file: any) => string | number, down?: boolean}} Column its name on the page, and what it is sorted by */
/** @type {Record<string, Column>} */
const COLUMNS = {
    name: { title: "Name", by: (file) => file.name.toLowerCase() },
    kind: { title: "Kind", by: (file) => file.kind },
    family: { title: "Family", by: (file) => FAMILIES[file.family] ?? "~" },
    details: { title: "Details", by: (file) => file.details.join(" ") || "~" },
    size: { title: "Size", by: (file) => file.size, down: true },
    modified: { title: "Changed", by: (file) => file.modified, down: true },
    hash: { title: "Hash", by: (file) => file.sha256 ?? "~" },
    state: { title: "State", by: (file) => (file.problem ? 0 : file.same_as.length ? 1 : file.used ? 3 : 2) },
};

export class Files {
    /** @param {any} owner the <webui-models> */
    constructor(owner) {
        this.owner = owner;
        this.kind = this.family = this.state = "";
        this.column = "name";
        this.downwards = false;
        /** @type {import("./models.js").ModelFile[]} */
        this.rows = [];
        this.current = 0;
        this.build();
    }

    build() {
        const draw = () => this.draw();
        this.words = element("input", { type: "search", class: "grow", placeholder: "Search the files", "aria-label": "Search the files",
            oninput: afterwards(draw, 120) });
        this.families = element("select", { "aria-label": "Family", onchange: () => ((this.family = this.families.value), this.draw()) });
        this.states = element("select", { "aria-label": "State", onchange: () => ((this.state = this.states.value), this.draw()) },
            ...[["", "Any state"], ["problem", "With a problem"], ["same", "Copies"], ["unused", "Not used here"],
                ["unhashed", "Without a hash"]]
                .map(([value, text]) => element("option", { value }, text)));
        this.kinds = element("div", { class: "models-kinds toolbar", role: "group", "aria-label": "Kind" });
        this.disk = element("span", { class: "quiet models-disk" });
        this.status = element("span", { class: "quiet", role: "status" });
        this.trash = element("button", { type: "button", onclick: () => showTrash(this.owner) }, "Trash");
        this.hash = element("button", { type: "button", onclick: () => this.hashAll() }, "Calculate all hashes");
        const refresh = tool("refresh", "Look at the folders again", () => this.reread());
        this.notice = element("div", { class: "models-undo", role: "status" });
        this.head = element("div", { role: "row", class: "models-row models-head" },
            ...Object.entries(COLUMNS).map(([name, column]) => this.header(name, column.title)));
        this.body = element("div", { class: "models-rows", role: "rowgroup" });
        this.scroll = element("div", { class: "models-scroll", role: "grid", "aria-label": "Model files",
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
            onscroll: () => requestAnimationFrame(() => this.paint()) }, element("div", { role: "rowgroup" }, this.head), this.body);
        this.empty = element("p", { class: "empty", hidden: true }, "No file is like that.");
        this.element = element("section", { class: "models-disk-part", "aria-label": "On this machine" },
            element("div", { class: "toolbar" }, element("h2", {}, "On this machine"), this.disk, this.status,
                element("span", { class: "grow" }), this.hash, this.trash, refresh),
            this.kinds,
            element("div", { class: "toolbar" }, this.words, this.families, this.states),
            this.notice,
            element("div", { class: "models-split" }, element("div", { class: "models-table panel" }, this.scroll, this.empty),
                this.owner.details.element));
        new ResizeObserver(() => this.paint()).observe(this.scroll);
    }

    /** @param {string} name @param {string} title */
    header(name, title) {
        const button = element("button", { type: "button", class: "plain", onclick: () => this.sort(name) }, title);
        return element("div", { role: "columnheader", class: `models-${name}`, dataset: { column: name } }, button);
    }

    /** A new listing is there. */
    take() {
        const { files, shelves, trash, disk } = this.owner.listing;
        const size = files.reduce((/** @type {number} */ sum, /** @type {any} */ file) => sum + file.size, 0);
        const kinds = [...shelves.map((/** @type {any} */ shelf) => [shelf.kind, shelf.label]), ["other", "Other files"]];
        const focused = this.kinds.contains(document.activeElement) ? document.activeElement.dataset.kind : undefined;
        this.kinds.replaceChildren(this.kindButton("", "All", files.length, size), ...kinds.flatMap(([kind, label]) => {
            const those = files.filter((/** @type {any} */ file) => file.kind === kind);
            return those.length || kind === this.kind ? [this.kindButton(kind, label, those.length,
                those.reduce((/** @type {number} */ sum, /** @type {any} */ file) => sum + file.size, 0))] : [];
        }));
        if (focused !== undefined) /** @type {HTMLElement | null} */ (this.kinds.querySelector(`[data-kind="${focused}"]`))?.focus();
        const families = [...new Set(files.map((/** @type {any} */ file) => file.family).filter(Boolean))].sort();
        this.families.replaceChildren(element("option", { value: "" }, "Any family"), ...families.map((/** @type {any} */ family) =>
            element("option", { value: family, translate: false }, FAMILIES[family] ?? family)));
        this.families.value = families.includes(this.family) ? this.family : "";
        this.family = this.families.value;
        this.disk.textContent = `${sizeOf(disk.free)} free of ${sizeOf(disk.total)}`;
        this.trash.textContent = trash.length ? `Trash (${trash.length})` : "Trash";
        this.progress();
        this.draw();
    }

    /** What is still being found out. */
    progress() {
        const { pending, hashing } = this.owner.listing;
        const share = hashing.total ? Math.round((100 * hashing.done) / hashing.total) : 0;
        const many = hashing.waiting.length;
        const hashed = many > 1 ? `Calculating ${many} hashes, ${share} % of the first` : `Calculating a hash, ${share} %`;
        const text = pending ? `Reading ${pending} headers` : hashing.id ? hashed : "";
        if (this.status.textContent !== text) this.status.textContent = text;
        this.hash.disabled = many > 0 || !this.owner.listing.files.some((/** @type {any} */ file) => !file.sha256 && file.known);
    }

    /** @param {string} kind @param {string} label @param {number} count @param {number} size */
    kindButton(kind, label, count, size) {
        const choose = () => {
            this.kind = kind;
            this.take();
        };
        return element("button", { type: "button", class: "models-kind", "aria-pressed": String(this.kind === kind), dataset: { kind },
            onclick: choose },
            element("span", {}, label), element("small", {}, `${count} · ${sizeOf(size)}`));
    }

    /** @param {string} name */
    sort(name) {
        this.downwards = this.column === name ? !this.downwards : Boolean(COLUMNS[name].down);
        this.column = name;
        this.draw();
    }

    /** Choose and order the rows. */
    draw() {
        if (!this.owner.listing) return;
        const chosen = this.rows[this.current]?.id;
        const words = this.words.value.toLowerCase().split(/\s+/).filter(Boolean);
        const by = COLUMNS[this.column].by;
        const rows = this.owner.listing.files.filter((/** @type {any} */ file) => this.wanted(file, words));
        rows.sort((/** @type {any} */ one, /** @type {any} */ two) => compare(by(one), by(two)) || compare(one.name, two.name));
        this.rows = this.downwards ? rows.reverse() : rows;
        this.current = Math.max(this.rows.findIndex((file) => file.id === chosen), 0);
        for (const cell of this.head.children) cell.setAttribute("aria-sort", cell.dataset.column === this.column
            ? (this.downwards ? "descending" : "ascending") : "none");
        const none = "There are no models yet. Paste a link above, or put files into the models folder.";
        this.empty.textContent = this.owner.listing.files.length ? "No file is like that." : none;
        this.empty.hidden = this.rows.length > 0;
        this.scroll.setAttribute("aria-rowcount", String(this.rows.length + 1));
        this.paint({ anew: true });
    }

    /** @param {any} file @param {string[]} words */
    wanted(file, words) {
        if ((this.kind && file.kind !== this.kind) || (this.family && file.family !== this.family)) return false;
        if (this.state === "problem" && !file.problem) return false;
        if (this.state === "same" && !file.same_as.length && !file.maybe_same.length) return false;
        if (this.state === "unused" && file.used) return false;
        if (this.state === "unhashed" && file.sha256) return false;
        const facts = [`${file.folder}/${file.name}`, file.sha256 ?? "", ...file.details, FAMILIES[file.family] ?? ""];
        const text = facts.join(" ").toLowerCase();
        return words.every((word) => text.includes(word));
    }

    get rowHeight() {
        return matchMedia("(max-width: 760px)").matches ? 52 : 34;
    }

    /** Put the rows in sight into the page. @param {{anew?: boolean}} [how] anew: those that are there may be outdated */
    paint({ anew = false } = {}) {
        const height = this.rowHeight;
        const first = Math.max(Math.floor(this.scroll.scrollTop / height) - AROUND, 0);
        const last = Math.min(Math.ceil((this.scroll.scrollTop + this.scroll.clientHeight) / height) + AROUND, this.rows.length);
        const range = `${first} ${last} ${height}`;
        if (!anew && range === this.range) return;
        this.range = range;
        const focused = this.body.contains(document.activeElement);
        this.body.style.height = `${this.rows.length * height}px`;
        this.body.replaceChildren(...this.rows.slice(first, last).map((file, place) => this.row(file, first + place, height)));
        if (focused) this.focus(false);
    }

    /** @param {import("./models.js").ModelFile} file @param {number} place @param {number} height */
    row(file, place, height) {
        const busy = this.owner.listing.hashing.waiting.includes(file.id);
        /** @type {Record<string, any[]>} */
        const cells = {
            name: [element("span", { translate: false }, file.name), element("small", { translate: false }, file.folder)],
            kind: [this.owner.label(file.kind)],
            family: [element("span", { translate: false }, FAMILIES[file.family ?? ""] ?? file.family ?? "")],
            details: [file.details.join(", ")],
            size: [sizeOf(file.size)],
            modified: [dayOf(file.modified)],
            hash: [busy ? "…" : element("code", { translate: false }, file.sha256?.slice(0, 10) ?? "")],
            state: [stateOf(file)],
        };
        const made = element("div", { role: "row", class: "models-row", tabindex: place === this.current ? 0 : -1,
            dataset: { place: String(place), id: file.id },
            "aria-rowindex": String(place + 2), "aria-selected": String(this.owner.details.id === file.id),
                style: { top: `${place * height}px`, height: `${height}px` },
            onclick: () => this.open(place) }, ...Object.entries(cells).map(([name, parts]) => element("div",
                { role: "gridcell", class: `models-${name}` }, ...parts)));
        made.title = file.problem ?? "";
        return made;
    }

    /** @param {number} place */
    open(place) {
        this.current = place;
        this.owner.details.show(this.rows[place]);
        this.paint({ anew: true });
        if (!this.owner.details.covers) this.focus();
    }

    /** Which row is looked at is told apart from where the focus is, since rows come and go. @param {boolean} [scroll] */
    focus(scroll = true) {
        const height = this.rowHeight, top = this.current * height;
        if (scroll) {
            if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
            const shown = this.scroll.clientHeight - this.head.offsetHeight;
            if (top + height > this.scroll.scrollTop + shown) this.scroll.scrollTop = top + height - shown;
            this.paint({ anew: true });
        }
        /** @type {HTMLElement | null} */ (this.body.querySelector(`[data-place="${this.current}"]`))?.focus({ preventScroll: true });
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        const from = /** @type {HTMLElement} */ (event.target).closest("[data-place]");
        if (!this.rows.length || !from) return;
        this.current = Number(/** @type {HTMLElement} */ (from).dataset.place);
        const page = Math.max(Math.floor(this.scroll.clientHeight / this.rowHeight) - 2, 1);
        /** @type {Record<string, number>} */
        const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.rows.length, End: this.rows.length };
        if (event.key in steps) {
            this.current = Math.min(Math.max(this.current + steps[event.key], 0), this.rows.length - 1);
            this.focus();
        } else if (event.key === "Enter" || event.key === " ") this.open(this.current);
        else if (event.key === "Delete") this.owner.details.throwAway(this.rows[this.current]);
        else if (event.key === "Escape") this.owner.details.hide();
        else return;
        event.preventDefault();
    }

    async reread() {
        this.status.textContent = "Looking at the folders";
        if (await call("webui/models/refresh", { method: "POST" })) await this.owner.refresh({ force: true });
    }

    async hashAll() {
        this.hash.disabled = true;
        if (await call("webui/models/hash", { json: { ids: [] } })) await this.owner.look();
    }

    /** Say what was done, with a way back. @param {string} text @param {string} trash */
    undoable(text, trash) {
        const undo = async () => {
            this.notice.replaceChildren();
            if (await call(`webui/models/trash/${trash}/restore`, { method: "POST" })) await this.owner.refresh({ force: true });
        };
        this.notice.replaceChildren(element("span", {}, text), element("button", { type: "button", onclick: undo }, "Undo"),
            tool("close", "Close this message", () => this.notice.replaceChildren()));
    }

    emptyTrash = () => askToEmpty(this.owner);
}

/** @param {any} one @param {any} two */
const compare = (one, two) => (typeof one === "number" ? one - two : String(one).localeCompare(String(two), undefined, { numeric: true }));

/** @param {import("./models.js").ModelFile} file */
function stateOf(file) {
    if (!file.known) return element("span", { class: "quiet" }, "Being read");
    if (file.problem) return element("span", { class: "wrong" }, file.problem);
    if (file.same_as.length) return element("span", {},
        file.same_as.length > 1 ? `${file.same_as.length + 1} copies` : "There is a copy of it");
    if (!file.used) return element("span", { class: "quiet" }, "Not used here");
    return element("span", { class: "quiet" }, "Ready");
}
