// @ts-check
// The list at the caret. Nothing is selected until an arrow or the pointer says so: Enter then is the prompt's own.
import { element } from "easel/extension.js";

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} [tag] a tag as the list has it
 * @property {string} insert what is put into the prompt
 * @property {string} kind "" for a tag
 * @property {string} note what stands beside it
 * @property {boolean} comma whether a comma belongs behind it
 * @property {string} [via] the other name that it was found by
 * @property {number} [type] a tag's kind
 * @property {number} [count]
 * @property {string} [picture]
 * @property {string} [style] a style is chosen, not written
 * @property {number} [start] where what it takes the place of begins
 */

const MARGIN = 6;
let made = 0;

export class Popup {
    /** @param {(entry: Entry) => unknown} take */
    constructor(take) {
        this.take = take;
        /** @type {Entry[]} */
        this.entries = [];
        this.at = -1;
        this.rows = element("ul", { role: "listbox", id: "tag-completion-list", "aria-label": "Tags" });
        this.picture = element("img", { alt: "", hidden: true });
        this.element = element("div", {
            class: "webui tag-completion", popover: "manual", translate: "no",
            onpointerdown: (/** @type {Event} */ event) => event.preventDefault(), // the prompt keeps the focus
            onclick: (/** @type {any} */ event) => {
                const row = event.target.closest("li[role=option]");
                if (row && !event.target.closest("a")) this.take(this.entries[Number(row.dataset.place)]);
            },
        }, this.rows, this.picture);
        document.body.append(this.element);
    }

    /** @returns {boolean} */
    get open() {
        return this.box !== undefined;
    }

    /**
     * @param {HTMLTextAreaElement} box
     * @param {Entry[]} entries
     * @param {{left: number, top: number, bottom: number}} caret
     * @param {any} settings
     */
    show(box, entries, caret, settings) {
        this.entries = entries;
        this.settings = settings;
        this.at = -1;
        this.rows.replaceChildren(...entries.map((entry, place) => this.row(entry, place)));
        this.rows.style.setProperty("--shown", settings.shown);
        this.rows.scrollTop = 0;
        this.picture.hidden = true;
        if (this.box !== box) this.close();
        this.box = box;
        box.setAttribute("aria-expanded", "true"); // the keys of the page leave Esc to what is open
        box.setAttribute("aria-controls", this.rows.id);
        box.setAttribute("aria-autocomplete", "list");
        box.removeAttribute("aria-activedescendant");
        if (!this.element.matches(":popover-open")) this.element.showPopover();
        this.place(caret);
    }

    /** Below the caret's line, or above it where there is more room. @param {{left: number, top: number, bottom: number}} caret */
    place({ left, top, bottom }) {
        const { width, height } = this.element.getBoundingClientRect();
        const below = innerHeight - bottom - MARGIN * 2;
        const under = below >= height || below >= top;
        Object.assign(this.element.style, {
            left: `${Math.max(MARGIN, Math.min(left, innerWidth - width - MARGIN))}px`,
            top: under ? `${bottom + MARGIN}px` : "auto", bottom: under ? "auto" : `${innerHeight - top + MARGIN}px`,
        });
    }

    close() {
        const { box } = this;
        if (!box) return;
        this.box = undefined;
        this.entries = [];
        for (const name of ["aria-expanded", "aria-controls", "aria-activedescendant", "aria-autocomplete"]) box.removeAttribute(name);
        if (this.element.matches(":popover-open")) this.element.hidePopover();
    }

    /** @param {Entry} entry @param {number} place */
    row(entry, place) {
        const { settings } = this;
        const name = element("span", { class: "name" }, entry.via ? `${entry.via} → ${entry.name}` : entry.name);
        if (settings.colored && entry.type !== undefined) this.color(name, entry.type);
        const wiki = settings.wiki && entry.type !== undefined && element("a", {
            href: settings.wiki.replace("{tag}", encodeURIComponent(entry.tag ?? entry.name)), target: "_blank", rel: "noreferrer noopener", title: "Wiki", "aria-label": "Wiki", tabIndex: -1,
        }, "?");
        return element("li", { role: "option", id: `tag-completion-${++made}`, "aria-selected": "false", dataset: { place } }, wiki, name,
            entry.note && element("span", { class: "note" }, entry.note),
            entry.kind ? element("small", { translate: "yes" }, entry.kind) : settings.counts && entry.count ? element("small", {}, short(entry.count)) : null);
    }

    /** @param {HTMLElement} name @param {number} type */
    color(name, type) {
        name.dataset.type = String(type);
        const own = colorsOf(this.settings.colors)[type];
        if (typeof own === "string" && CSS.supports("color", own)) name.style.color = own;
    }

    /** Select a row; -1 is none. @param {number} place */
    select(place) {
        const rows = [...this.rows.children];
        rows[this.at]?.setAttribute("aria-selected", "false");
        this.at = Math.max(0, Math.min(rows.length - 1, place));
        const row = rows[this.at];
        if (!row) return;
        row.setAttribute("aria-selected", "true");
        row.scrollIntoView({ block: "nearest" });
        this.box?.setAttribute("aria-activedescendant", row.id);
        const { picture } = this.entries[this.at];
        this.picture.hidden = !picture;
        if (picture) this.picture.src = picture;
    }

    /**
     * What a key does here.
     * @param {string} action of the setting `keys`
     * @returns {boolean} whether the key is used up
     */
    act(action) {
        const { at, entries, settings } = this;
        const moves = {
            down: at + 1 >= entries.length ? 0 : at + 1, up: at <= 0 ? entries.length - 1 : at - 1, page_down: at + settings.shown,
            page_up: at - settings.shown, first: 0, last: entries.length - 1,
        };
        const move = /** @type {Record<string, number>} */ (moves)[action];
        if ((action === "first" || action === "last") && at < 0) return false; // Home and End are the caret's
        if (move !== undefined) this.select(move);
        else if (action === "close") this.close();
        else if (action === "choose" && at < 0) return false; // a new line
        else if (action === "choose" || action === "choose_first") this.take(entries[Math.max(0, at)]);
        else return false;
        return true;
    }
}

/** @param {string} text JSON @returns {Record<string, unknown>} empty if it is none */
export function colorsOf(text) {
    try {
        return Object(JSON.parse(text || "{}"));
    } catch {
        return {};
    }
}

/** A number in few signs: 1.2k, 3.4M. @param {number} count */
const short = (count) => (count >= 1e6 ? `${(count / 1e6).toFixed(1)}M` : count >= 1000 ? `${(count / 1000).toFixed(count < 1e4 ? 1 : 0)}k` : String(count));
