// @ts-check
// The page of an index: extensions that somebody lists at an address, searched, sorted, and installed on a click.
import { element } from "./dom.js";
import { link } from "./extensions_details.js";
import { review } from "./extensions_dialogs.js";
import { ask, date } from "./extensions_tasks.js";

/**
 * @typedef {{name: string, title: string, url: string, description: string, tags: string[], version: string, api: number | null,
 *   branch: string, commit: string, sha256: string, added: number, created: number, updated: number, stars: number,
 *   runs_here: boolean, installed: string, newer: boolean}} Entry
 * @typedef {{url: string, when: number, stale: string, tags: Record<string, string>, entries: Entry[]}} Catalogue
 */

const MOST_SHOWN = 200;
const HIDDEN_AT_FIRST = ["ads", "localization", "installed"]; // as A1111 has it
/** @type {Record<string, [string, (one: Entry, other: Entry) => number]>} */
const ORDERS = {
    newest: ["newest first", (one, other) => other.added - one.added],
    oldest: ["oldest first", (one, other) => one.added - other.added],
    az: ["a-z", (one, other) => one.title.localeCompare(other.title)],
    za: ["z-a", (one, other) => other.title.localeCompare(one.title)],
    updated: ["update time", (one, other) => other.updated - one.updated],
    created: ["create time", (one, other) => other.created - one.created],
    stars: ["stars", (one, other) => other.stars - one.stars],
};

export class Available {
    /** @type {Catalogue | null} */
    catalogue = null;
    /** The tags whose extensions are not shown. @type {Set<string>} */
    hidden = new Set(HIDDEN_AT_FIRST);
    asked = false;

    /** @param {import("./extensions.js").Extensions} tab */
    constructor(tab) {
        this.tab = tab;
        this.url = element("input", { type: "url", class: "grow", id: "extensions_index_url", placeholder: "https://", translate: "no",
            "aria-label": "Extension index URL" });
        this.load = element("button", { type: "submit", class: "primary" }, "Load from:");
        this.search = element("input", { type: "search", class: "grow", placeholder: "Search", "aria-label": "Search in the index",
            oninput: () => this.draw() });
        this.order = element("select", { "aria-label": "Order", onchange: () => this.draw() },
            ...Object.entries(ORDERS).map(([value, [word]]) => element("option", { value }, word)));
        this.foreign = element("input", { type: "checkbox", onchange: () => this.draw() });
        this.tags = element("div", { class: "tags", role: "group", "aria-label": "Hide extensions with these tags" });
        this.words = element("p", { class: "quiet", "aria-live": "polite" });
        this.list = element("ul", { class: "available" });
        this.element = element("div", {},
            element("form", { class: "toolbar", onsubmit: (/** @type {Event} */ event) => {
                event.preventDefault();
                this.fetch();
            } }, this.load, this.url),
            element("div", { class: "toolbar" }, this.search, this.order,
                element("label", { class: "check" }, this.foreign, "Show what is for A1111 only")),
            this.tags, this.words, this.list);
    }

    /** @param {import("./extensions.js").Overview} data */
    update(data) {
        if (!this.url.value) this.url.value = data.index;
        this.load.disabled = !data.allowed;
        if (this.asked) this.shown();
    }

    /** Show what was loaded last, without asking anybody. */
    async shown() {
        this.asked = true;
        const kept = await ask("webui/extensions/index");
        if (kept !== undefined) this.take(kept);
    }

    async fetch() {
        const found = await this.tab.status?.run("Loading the index:", "webui/extensions/index", { url: this.url.value });
        if (!found) return;
        if (found.stale) this.tab.status?.say(`${found.stale} This is the list as it was then.`, { wrong: true });
        else this.tab.status?.clear();
        this.asked = true;
        this.take(found);
    }

    /** @param {Catalogue | null} catalogue */
    take(catalogue) {
        this.catalogue = catalogue;
        const counts = new Map([["installed", catalogue?.entries.filter((entry) => entry.installed).length ?? 0]]);
        for (const entry of catalogue?.entries ?? []) for (const tag of entry.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
        this.tags.replaceChildren(...[...counts].filter(([, count]) => count).map(([tag, count]) => this.tag(tag, count)));
        this.draw();
    }

    /** @param {string} tag @param {number} count */
    tag(tag, count) {
        const hides = element("button", {
            type: "button", class: "plain chip tag", translate: "no", title: this.catalogue?.tags[tag] ?? "",
                "aria-pressed": String(this.hidden.has(tag)),
            onclick: () => {
                if (!this.hidden.delete(tag)) this.hidden.add(tag);
                hides.setAttribute("aria-pressed", String(this.hidden.has(tag)));
                this.draw();
            },
        }, `${tag} ${count}`);
        return hides;
    }

    draw() {
        if (!this.catalogue) {
            this.words.textContent = "An index is a list of extensions that somebody keeps. None has been loaded yet.";
            this.list.replaceChildren();
            return;
        }
        const search = this.search.value.toLowerCase();
        const found = this.catalogue.entries.filter((entry) =>
            (this.foreign.checked || entry.runs_here) && !entry.tags.some((tag) => this.hidden.has(tag))
                && !(entry.installed && !entry.newer && this.hidden.has("installed")) &&
            `${entry.title} ${entry.name} ${entry.description} ${entry.tags.join(" ")}`.toLowerCase().includes(search));
        found.sort(ORDERS[this.order.value][1]);
        const foreign = this.catalogue.entries.filter((entry) => !entry.runs_here).length;
        const parts = [`${found.length} of ${this.catalogue.entries.length} shown`,
            foreign && !this.foreign.checked ? `${foreign} are for A1111 only` : "", `loaded ${date(this.catalogue.when)}`];
        this.words.textContent = parts.filter(Boolean).join(" · ");
        this.list.replaceChildren(...found.slice(0, MOST_SHOWN).map((entry) => this.line(entry)));
    }

    /** @param {Entry} entry */
    line(entry) {
        const facts = [entry.version, entry.added && `added ${day(entry.added)}`, entry.updated && `updated ${day(entry.updated)}`,
            entry.stars && `★ ${entry.stars}`].filter(Boolean).join(" · ");
        return element("li", { dataset: { name: entry.name } },
            element("div", { class: "words" },
                element("h3", { translate: "no" }, entry.title),
                element("p", { translate: "no" }, entry.description),
                element("p", { class: "quiet", translate: "no" }, facts, facts && " ", link(entry.url)),
                entry.tags.length > 0 && element("p", { class: "tags", translate: "no" },
                    ...entry.tags.map((tag) => element("span", { class: "chip" }, tag)))),
            this.button(entry));
    }

    /** @param {Entry} entry */
    button(entry) {
        if (!entry.runs_here) return element("span", { class: "chip" }, "needs its native twin");
        if (entry.installed) return element("span", { class: "chip" }, entry.newer ? "an update is there" : "installed");
        return element("button", { type: "button", "aria-label": `Install ${entry.title}`, disabled: !this.tab.data?.allowed,
            onclick: () => this.install(entry) }, "Install");
    }

    /** @param {Entry} entry */
    async install(entry) {
        const json = { url: entry.url, branch: entry.branch, commit: entry.commit, expected: entry.sha256 };
        const row = await this.tab.status?.run(`Installing ${entry.title}:`, "webui/extensions/install", json);
        await this.tab.refresh();
        if (!row) return;
        this.tab.status?.say(`${row.title} is here, and still off.`);
        await review(row.name, this.tab);
    }
}

/** @param {number} when Unix time */
const day = (when) => new Date(when * 1000).toLocaleDateString([], { dateStyle: "medium" });
