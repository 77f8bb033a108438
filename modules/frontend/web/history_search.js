// @ts-check
// The search box of the History tab: a small language with suggestions, and menus that write it.
import { afterwards, element, tool } from "./dom.js";
import { call } from "./server.js";

const PAUSE = 160;
const PART = /(?:-?[a-z]+:"[^"]*"?|-?"[^"]*"?|\S)\S*/gi; // a part of a query, quotes and all
const MENUS = /** @type {const} */ ([["model", "Model"], ["lora", "LoRA"], ["sampler", "Sampler"], ["kind", "Kind"], ["size", "Size"]]);
const HELP = 'castle, "golden hour", -blurry, model:, lora:, sampler:, seed:5, size:512x768, steps:>30, date:2026-11, kind:, is:favourite';

/** @param {string} value */
const quoted = (value) => (/\s/.test(value) ? `"${value}"` : value);

/** The value of a key in a query; empty if it is not there. @param {string} query @param {string} key */
export function valueOf(query, key) {
    const part = (query.match(PART) ?? []).find((one) => one.toLowerCase().startsWith(`${key}:`));
    return part ? part.slice(key.length + 1).replaceAll('"', "") : "";
}

/**
 * The query with a key at another value, or without it for an empty one.
 * @param {string} query
 * @param {string} key
 * @param {string} value
 */
export function withValue(query, key, value) {
    const parts = (query.match(PART) ?? []).filter((one) => !one.toLowerCase().startsWith(`${key}:`));
    return [...parts, ...(value ? [`${key}:${quoted(value)}`] : [])].join(" ");
}

/** The box, its suggestions and its menus. `onsearch` hears of each change, a moment after typing ends. */
export class Search {
    /** @param {(query: string) => void} onsearch */
    constructor(onsearch) {
        this.changed = afterwards(() => onsearch(this.query), PAUSE);
        this.chosen = -1;
        /** @type {{text: string, count: number | null}[]} */
        this.offered = [];
        this.suggest = afterwards(() => this.ask(), 90);
        this.input = element("input", {
            id: "history_search", type: "search", placeholder: "Search prompts, models, seeds…", title: HELP, autocomplete: "off",
            spellcheck: false, role: "combobox", "aria-label": "Search pictures", "aria-expanded": "false",
            "aria-controls": "history_suggestions", "aria-autocomplete": "list",
            oninput: () => {
                this.changed();
                this.suggest();
                this.show();
            },
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event),
            onblur: () => setTimeout(() => this.close(), 150), onclick: () => this.suggest(),
        });
        this.list = element("ul", {
            id: "history_suggestions", role: "listbox", "aria-label": "Suggestions", hidden: true, translate: false,
        });
        this.box = element("div", { class: "history-search grow" }, this.input, this.list);
        this.toggle = tool("history-filter", "Filters", () => this.open(), { id: "history_filters", "aria-expanded": "false" });
        this.menus = new Map(MENUS.map(([key, label]) => {
            const menu = element("select", { "aria-label": label, onchange: () => this.set(key, menu.value) });
            return [key, menu];
        }));
        this.from = this.day("From this day");
        this.to = this.day("To this day");
        this.panel = element("div", { class: "history-filters toolbar", hidden: true },
            ...MENUS.map(([key, label]) => element("label", {}, element("span", {}, label), this.menus.get(key))),
            element("label", {}, element("span", {}, "From"), this.from), element("label", {}, element("span", {}, "To"), this.to),
            element("button", { type: "button", onclick: () => this.put("") }, "Clear all"));
    }

    get query() {
        return this.input.value.trim();
    }

    /** @param {string} label */
    day(label) {
        return element("input", { type: "date", "aria-label": label, onchange: () => this.setDays() });
    }

    /** Another query, at once. @param {string} query */
    put(query) {
        this.input.value = query;
        this.show();
        this.changed();
    }

    /** @param {string} key @param {string} value */
    set(key, value) {
        this.put(withValue(this.query, key, value));
    }

    setDays() {
        const [from, to] = [this.from.value, this.to.value];
        this.set("date", from && from === to ? from : from || to ? `${from || "1970-01-01"}..${to}` : "");
    }

    async open() {
        this.panel.hidden = !this.panel.hidden;
        this.toggle.setAttribute("aria-expanded", String(!this.panel.hidden));
        if (!this.panel.hidden) await this.fill();
    }

    /** What there is to choose from, with how many pictures have it. */
    async fill() {
        const facets = await call("webui/history/facets");
        if (!facets) return;
        for (const [key, menu] of this.menus) {
            const options = facets[key].map(([/** @type {string} */ name, /** @type {number} */ count]) =>
                element("option", { value: name, translate: key === "kind" ? undefined : false }, `${name} (${count})`));
            menu.replaceChildren(element("option", { value: "" }, "Any"), ...options);
        }
        this.show();
    }

    /** The menus as the query has it. */
    show() {
        for (const [key, menu] of this.menus) {
            const value = valueOf(this.query, key);
            const there = [...menu.options].find((option) => option.value.toLowerCase() === value.toLowerCase());
            menu.value = there ? there.value : "";
        }
        const days = valueOf(this.query, "date").match(/^(\d{4}-\d\d-\d\d)?(\.\.)?(\d{4}-\d\d-\d\d)?$/);
        this.from.value = days?.[1] === "1970-01-01" ? "" : days?.[1] ?? "";
        this.to.value = days?.[3] ?? (days?.[2] ? "" : days?.[1] ?? "");
        const narrowed = [...MENUS.map(([key]) => key), "date"].some((key) => valueOf(this.query, key));
        this.toggle.setAttribute("aria-pressed", String(narrowed));
    }

    /** The part at the caret: its start, its end. @returns {[number, number]} */
    part() {
        const caret = this.input.selectionStart ?? this.input.value.length;
        for (const match of this.input.value.matchAll(PART)) {
            const start = match.index ?? 0;
            if (start < caret && caret <= start + match[0].length) return [start, start + match[0].length];
        }
        return [caret, caret];
    }

    async ask() {
        const [start, end] = this.part();
        const part = this.input.value.slice(start, end);
        if (!part || document.activeElement !== this.input) return this.close();
        const offered = await call(`webui/history/suggestions?${new URLSearchParams({ part: part.slice(0, 200) })}`);
        const now = this.part();
        if (!offered || this.input.value.slice(...now) !== part) return;
        this.offered = offered.filter((/** @type {{text: string}} */ one) => one.text !== part);
        this.chosen = -1;
        this.draw();
    }

    draw() {
        this.list.hidden = !this.offered.length;
        this.input.setAttribute("aria-expanded", String(!this.list.hidden));
        this.input.setAttribute("aria-activedescendant", this.chosen < 0 ? "" : `history_suggestion_${this.chosen}`);
        this.list.replaceChildren(...this.offered.map(({ text, count }, place) => element("li", {
            id: `history_suggestion_${place}`, role: "option", "aria-selected": String(place === this.chosen),
            onpointerdown: (/** @type {Event} */ event) => {
                event.preventDefault();
                this.take(place);
            },
        }, element("span", {}, text), count === null ? null : element("small", {}, count))));
    }

    close() {
        this.offered = [];
        this.draw();
    }

    /** @param {number} place */
    take(place) {
        const { text } = this.offered[place];
        const [start, end] = this.part();
        const whole = text.endsWith(":") ? text : `${text} `;
        this.input.setRangeText(whole, start, end, "end");
        this.input.focus();
        this.close();
        this.show();
        this.changed();
        if (text.endsWith(":")) this.suggest();
    }

    /** @param {KeyboardEvent} event */
    pressed(event) {
        const count = this.offered.length;
        if (count && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
            const step = event.key === "ArrowDown" ? 1 : -1;
            this.chosen = this.chosen < 0 ? (step > 0 ? 0 : count - 1) : (this.chosen + step + count) % count;
            this.draw();
        } else if (count && this.chosen >= 0 && (event.key === "Enter" || event.key === "Tab")) this.take(this.chosen);
        else if (count && event.key === "Escape") this.close();
        else if (event.key === "Enter") {
            this.close();
            this.changed();
        } else return;
        event.preventDefault();
    }
}
