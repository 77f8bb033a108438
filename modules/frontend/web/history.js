// @ts-check
// The History tab: every picture ever made, in a grid of days; searching, favourites, the trash, comparing.
import { element, tool } from "./dom.js";
import { Comparison } from "./history_compare.js";
import { Pictures, thumbnail } from "./history_data.js";
import { Detail } from "./history_detail.js";
import { showFolders } from "./history_folders.js";
import { Search, valueOf, withValue } from "./history_search.js";
import { Toast } from "./history_toast.js";
import { changes } from "./jobs.js";
import { call } from "./server.js";
import { VirtualGrid } from "./virtual_grid.js";

const EVERY = 4000; // milliseconds between two looks at whether the list has changed
/** @type {[string, string][]} */
const SORTS = [["newest", "Newest first"], ["oldest", "Oldest first"], ["name", "By name"], ["largest", "Largest first"]];
const SIDES = { least: 90, most: 360, usual: 168 };
const REMEMBERED = "webui-history-side";

/** @param {number} count @param {string} one @param {string} many */
const counted = (count, one, many) => (count === 1 ? `1 ${one}` : `${digits(count)} ${many}`);
/** @param {number} count */
const digits = (count) => count.toLocaleString("en");

/** @param {string} route @param {unknown} [json] */
const post = (route, json = {}) => call(`webui/history/${route}`, { json });

class History extends HTMLElement {
    connectedCallback() {
        if (this.grid) return this.listen();
        this.className = "webui history";
        this.pictures = new Pictures();
        this.trash = false;
        this.busy = 0; // changes that the program has not confirmed
        this.state = /** @type {any} */ ({});
        this.added = { folders: /** @type {string[]} */ ([]), here: false };
        this.search = new Search(() => this.look());
        this.sort = element("select", { id: "history_sort", "aria-label": "Order", onchange: () => this.look() },
            ...SORTS.map(([value, words]) => element("option", { value }, words)));
        this.grid = this.makeGrid();
        this.detail = new Detail(this.around());
        this.comparison = new Comparison();
        this.append(...this.frame());
        this.toast = new Toast(this);
        this.listen();
        this.look();
        call("webui/history/folders").then((added) => (this.added = added ?? this.added));
    }

    disconnectedCallback() {
        clearInterval(this.timer);
        changes.removeEventListener("ended", /** @type {any} */ (this.soon));
    }

    listen() {
        this.soon = () => setTimeout(() => this.tick(), 60);
        changes.addEventListener("ended", this.soon);
        this.timer = window.setInterval(() => this.tick(), EVERY);
        new ResizeObserver(() => this.placed()).observe(document.body);
    }

    /** The tab fills the window: how far down it begins depends on what stands above. */
    placed() {
        if (this.offsetParent) this.style.setProperty("--history-top", `${Math.round(this.getBoundingClientRect().top + scrollY)}px`);
    }

    makeGrid() {
        const side = Number(localStorage.getItem(REMEMBERED)) || SIDES.usual;
        return new VirtualGrid({
            label: "Pictures", cell: Math.min(side, innerWidth < 760 ? 110 : side), gap: 6, heading: 30, selectable: true,
            keyOf: (index) => this.pictures?.ids[index],
            render: (index, cell) => this.render(index, cell), load: (index, cell) => this.load(index, cell),
            onsight: (first, last) => this.fetch(first, last), onopen: (index) => this.detail?.open(index),
            onselect: () => this.selected(), onkey: (event, index) => this.key(event, index),
        });
    }

    /** @returns {HTMLElement[]} */
    frame() {
        this.onlyFavourites = tool("history-star", "Only favourites", () => {
            const on = valueOf(this.search.query, "is") !== "favourite";
            this.search.put(withValue(this.search.query, "is", on ? "favourite" : ""));
        }, { "aria-pressed": "false", id: "history_favourites" });
        this.inTrash = tool("history-trash", "Trash", () => this.showTrash(!this.trash), { "aria-pressed": "false", id: "history_trash" });
        const side = element("input", {
            type: "range", class: "history-side", min: SIDES.least, max: SIDES.most, step: 6, value: this.grid.options.cell,
            "aria-label": "Size of the pictures", title: "Size of the pictures", oninput: () => this.resized(Number(side.value)),
        });
        this.words = element("span", { class: "quiet", "aria-live": "polite", id: "history_count" });
        this.scanning = element("span", { class: "quiet history-scan" });
        this.stop = element("button", { type: "button", hidden: true, onclick: () => post("scan/stop") }, "Stop looking");
        this.status = element("div", { class: "toolbar history-status" }, this.words, this.scanning, this.stop);
        this.chosen = element("div", { class: "toolbar history-status history-chosen", hidden: true });
        this.hints = element("p", { class: "wrong history-hints", "aria-live": "polite", hidden: true });
        this.empty = element("p", { class: "empty", hidden: true });
        const bar = element("div", { class: "toolbar history-bar" }, this.search.box, this.search.toggle,
            this.onlyFavourites, this.sort, side,
            tool("history-rescan", "Look at the folders now", () => this.scan(), { id: "history_scan" }),
            tool("folder", "Folders", () => showFolders(this.state, this.added), { id: "history_folders" }), this.inTrash);
        return [bar, this.search.panel, this.hints, this.status, this.chosen, this.empty, this.grid.element];
    }

    /** What the large view needs of this list. @returns {import("./history_detail.js").Around} */
    around() {
        return {
            count: () => this.pictures.ids.length, idAt: (index) => this.pictures.ids[index],
            rowAt: (index) => this.pictures.row(index), indexOf: (id) => this.pictures.ids.indexOf(id),
            favour: (id, favourite) => this.favour([id], favourite), remove: (ids) => this.remove(ids), restore: (ids) => this.restore(ids),
            left: (index) => this.grid.show(index), here: () => this.added.here, tell: (text) => this.toast.say(text),
            compare: (id) => {
                this.grid.select([id]);
                this.toast.say("Choose a second picture: Ctrl and a click, or its box; then Compare.");
            },
        };
    }

    /** Search anew. @param {{keep?: boolean}} [how] `keep`: the same search again, the place stays */
    async look({ keep = false } = {}) {
        const query = `${this.search.query}\n${this.sort.value}\n${this.trash}`;
        if (!(await this.pictures.search(this.search.query, this.trash ? "deleted" : this.sort.value, this.trash))) return;
        if (!keep && query !== this.shown) this.grid.reset();
        this.shown = query;
        const there = new Set(this.pictures.ids);
        this.grid.selection = new Set([...this.grid.selection].filter((id) => there.has(/** @type {number} */ (id))));
        this.update();
        this.tick();
    }

    update() {
        this.grid.update({ count: this.pictures.ids.length, sections: this.pictures.sections() });
        this.hints.hidden = !this.pictures.problems.length;
        this.hints.textContent = this.pictures.problems.join(" ");
        this.onlyFavourites.setAttribute("aria-pressed", String(valueOf(this.search.query, "is") === "favourite"));
        this.selected();
        this.describe();
        this.detail.refreshed();
    }

    /** The line above the grid, and what is said where there is nothing. */
    describe() {
        const count = this.pictures.ids.length;
        const all = this.trash ? this.state.trashed ?? count : this.state.pictures ?? count;
        const { scan, problem } = this.state;
        const reading = scan?.total > scan?.done;
        if (this.trash) this.words.textContent = counted(count, "picture in the trash", "pictures in the trash");
        else if (!this.search.query || count === all) this.words.textContent = counted(count, "picture", "pictures");
        else this.words.textContent = `${digits(count)} of ${digits(all)} pictures`;
        this.scanning.textContent = reading ? `Reading ${digits(scan.done)} of ${digits(scan.total)} new files` : problem ?? "";
        this.stop.hidden = !reading;
        this.empty.hidden = count > 0;
        this.grid.element.hidden = !count;
        if (this.trash) this.empty.textContent = this.search.query ? "No picture in the trash is like that." : "The trash is empty.";
        else if (this.search.query) this.empty.textContent = "No picture is like that.";
        else this.empty.textContent = scan ? "Looking at the folders…" : "No pictures yet. What you generate appears here.";
    }

    /** Ask whether anything is different, as long as somebody looks. */
    async tick() {
        if (!this.offsetParent || document.visibilityState !== "visible" || this.asking) return;
        this.asking = true;
        const state = await fetch("webui/history/state", { headers: { "X-Requested-With": "webui" }, cache: "no-store" })
            .then((answer) => (answer.ok ? answer.json() : undefined)).catch(() => undefined);
        this.asking = false;
        if (!state) return;
        this.state = state;
        this.describe();
        if (state.revision !== this.pictures.revision && !this.busy) await this.look({ keep: true });
    }

    async scan() {
        await post("scan");
        this.toast.say("Looking at the folders.");
        setTimeout(() => this.tick(), 300);
    }

    /** @param {number} first @param {number} last */
    async fetch(first, last) {
        const ids = new Set(await this.pictures.need(first, last));
        if (!ids.size) return;
        for (const index of [...this.grid.cells.keys()]) if (ids.has(this.pictures.ids[index])) this.grid.refresh(index);
    }

    /** @param {number} index @param {HTMLElement} cell */
    render(index, cell) {
        const row = this.pictures.row(index);
        const words = row ? [row.favourite ? "favourite" : "", row.title || row.name].filter(Boolean).join(": ") : `${index + 1}`;
        cell.setAttribute("aria-label", words);
        cell.setAttribute("translate", "no");
        cell.title = row ? row.title || row.name : "";
        const old = cell.querySelector("img");
        const id = String(this.pictures.ids[index]);
        const image = old?.dataset.id === id ? old : element("img", { alt: "", draggable: false, dataset: { id } });
        const box = element("span", { class: "cell-box icon-history-check", "data-select": "", "aria-hidden": "true" });
        const star = element("span", { class: "cell-star icon-history-star", "aria-hidden": "true", hidden: !row?.favourite });
        const kind = row && row.kind !== "txt2img" && row.kind !== "other" ? element("span", { class: "cell-kind" }, row.kind) : null;
        const problem = row?.problem ? element("span", { class: "cell-problem" }, "damaged") : null;
        cell.replaceChildren(...[image, box, star, kind, problem].filter((part) => part !== null));
    }

    /** @param {number} index @param {HTMLElement} cell */
    load(index, cell) {
        const row = this.pictures.row(index);
        const image = cell.querySelector("img");
        if (!row || !image || image.src || row.problem) return;
        image.src = thumbnail(row.id, row, Math.max(this.grid.layout.cellWidth, this.grid.layout.cellHeight) * devicePixelRatio);
        image.onload = () => image.classList.add("there");
        image.onerror = () => cell.classList.add("lost");
    }

    /** @param {number} side */
    resized(side) {
        localStorage.setItem(REMEMBERED, String(side));
        this.grid.resize({ cell: side });
    }

    /** @param {KeyboardEvent} event @param {number} index */
    key(event, index) {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const ids = this.grid.selection.size ? this.selection() : [this.pictures.ids[index]];
        if (event.key === "Delete") this.remove(ids);
        else if (event.key.toLowerCase() === "f") this.favour(ids, !ids.every((id) => this.pictures.rows.get(id)?.favourite));
        else return;
        event.preventDefault();
    }

    /** @returns {number[]} in the order of the list */
    selection() {
        return this.pictures.ids.filter((id) => this.grid.selection.has(id));
    }

    /** The bar with what can be done to the selected pictures takes the status line's place. */
    selected() {
        const count = this.grid.selection.size;
        const was = !this.chosen.hidden;
        this.status.hidden = count > 0;
        this.chosen.hidden = count === 0;
        if (!count) return;
        const words = `${digits(count)} selected`;
        if (was && this.chosen.dataset.trash === String(this.trash)) {
            this.chosen.querySelector("span").textContent = words;
            this.chosen.querySelector(".compares")?.toggleAttribute("disabled", count !== 2);
            return;
        }
        this.chosen.replaceChildren(element("span", { "aria-live": "polite" }, words), ...this.actions(count));
    }

    /** What can be done to the selected pictures. @param {number} count */
    actions(count) {
        this.chosen.dataset.trash = String(this.trash);
        /** @param {string} text @param {() => unknown} act @param {Record<string, any>} [more] */
        const button = (text, act, more = {}) => element("button", { type: "button", onclick: act, ...more }, text);
        const both = [button("Select all", () => this.grid.selectBetween(0, this.grid.count - 1)), button("Clear", () => this.grid.select([]))];
        if (this.trash) {
            return [button("Restore", () => this.restore(this.selection())),
                button("Delete for good", () => this.destroy(this.selection())), ...both];
        }
        return [
            button("Favourite", () => this.favour(this.selection(), true)),
            button("Not favourite", () => this.favour(this.selection(), false)),
            button("Compare", () => this.compare(), { class: "compares", disabled: count !== 2 }),
            button("Download", () => this.download()), button("Delete", () => this.remove(this.selection())), ...both,
        ];
    }

    /** @param {number[]} ids @param {boolean} favourite */
    async favour(ids, favourite) {
        const chosen = new Set(ids);
        for (const id of ids) {
            const row = this.pictures.rows.get(id);
            if (row) row.favourite = favourite;
        }
        for (const index of [...this.grid.cells.keys()]) if (chosen.has(this.pictures.ids[index])) this.grid.refresh(index);
        if (!(await call("webui/history/favourites", { json: { ids, favourite } }))) await this.look({ keep: true });
    }

    /**
     * Out of sight at once, then for real.
     * @param {string} route
     * @param {number[]} ids
     * @returns {Promise<number[]>} those it was done to
     */
    async moved(route, ids) {
        this.busy++;
        this.pictures.remove(new Set(ids));
        this.grid.selection = new Set([...this.grid.selection].filter((id) => !ids.includes(/** @type {number} */ (id))));
        this.update();
        const answer = await call(`webui/history/${route}`, { json: { ids } });
        this.busy--;
        if (answer?.problems.length) this.toast.say(answer.problems[0]);
        if (!this.busy && (!answer || answer.problems.length)) await this.look({ keep: true });
        else this.tick();
        return answer?.ids ?? [];
    }

    /** @param {number[]} ids */
    async remove(ids) {
        if (this.trash) return this.destroy(ids);
        const done = this.moved("trash", ids);
        const words = counted(ids.length, "picture moved to the trash", "pictures moved to the trash");
        this.toast.say(words, async () => this.bringBack(await done));
        await done;
    }

    /** Undo a deletion. @param {number[]} ids */
    async bringBack(ids) {
        if (await call("webui/history/restore", { json: { ids } })) await this.look({ keep: true });
    }

    /** @param {number[]} ids */
    async restore(ids) {
        this.toast.say(counted(ids.length, "picture restored", "pictures restored"));
        await this.moved("restore", ids);
    }

    /** For good: this is asked about. @param {number[]} ids */
    async destroy(ids) {
        const words = counted(ids.length, "picture will be deleted for good.", "pictures will be deleted for good.");
        const sure = () => {
            dialog.close();
            this.moved("empty", ids);
        };
        const dialog = element("dialog", { class: "webui history-ask", "aria-label": "Delete for good", onclose: () => dialog.remove() },
            element("p", {}, words), element("p", { class: "quiet" }, "There is no way back from this."),
            element("div", { class: "toolbar" }, element("span", { class: "grow" }),
                element("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Keep"),
                element("button", { type: "button", class: "primary", onclick: sure }, "Delete for good")));
        document.body.append(dialog);
        dialog.showModal();
    }

    /** @param {boolean} trash */
    async showTrash(trash) {
        this.trash = trash;
        this.inTrash.setAttribute("aria-pressed", String(trash));
        this.grid.select([]);
        await this.look();
    }

    async compare() {
        const [left, right] = this.selection().map((id) => this.pictures.rows.get(id));
        if (left && right) await this.comparison.open(right, left); // the older one on the left
    }

    async download() {
        const answer = await call("webui/history/downloads", { json: { ids: this.selection() } });
        if (answer) element("a", { href: answer.address, download: "pictures.zip" }).click();
    }
}

customElements.define("webui-history", History);
