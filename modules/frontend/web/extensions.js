// @ts-check
// The Extensions tab: what is installed, what can be, and the set of extensions as a file. Its four pages lie beside this file.
import { element } from "./dom.js";
import { Available } from "./extensions_available.js";
import { Installing } from "./extensions_install.js";
import { Installed } from "./extensions_installed.js";
import { Sets } from "./extensions_sets.js";
import { ask, Status } from "./extensions_tasks.js";

/**
 * @typedef {{hook: string, calls: number, seconds: number, slowest: number}} Spent
 * @typedef {{hook: string, text: string, traceback: string, when: number}} Failure
 * @typedef {{kind?: string, url?: string, branch?: string, commit?: string, date?: number, sha256?: string}} Source
 * @typedef {{name: string, title: string, version: string, origin: "bundled" | "added", on: boolean,
 *   state: "on" | "off" | "new" | "failed" | "twin", problem: string, traceback: string, description: string, homepage: string, requires: string[], folder: string, source: Source,
 *   installed: number, load_seconds: number, per_picture: number | null, pictures: number, spent: Spent[], failures: Failure[],
 *   observer: boolean, update: string, earlier: string}} Row
 * @typedef {{id: string, name: string, when: number}} Removed
 * @typedef {{file: string, name: string, created: number, count: number, automatic: boolean}} SavedSet
 * @typedef {{rows: Row[], mode: "none" | "extra" | "all", forced: "none" | "extra" | "all",
 *   safe_mode: {culprit: string, deaths: number} | null, folder: string, index: string, git: boolean, removed: Removed[],
 *   saved: SavedSet[], allowed: boolean, why: string, here: boolean}} Overview
 */

const PAGES = /** @type {const} */ ([
    ["installed", "Installed"],
    ["available", "Available"],
    ["install", "Install"],
    ["sets", "Backup/Restore"],
]);

class Extensions extends HTMLElement {
    /** @type {Overview | undefined} */
    data;
    /** What the rest of the page goes by, as it was told last. */
    told = "";

    connectedCallback() {
        if (this.status) return;
        this.classList.add("webui");
        this.status = new Status();
        this.banner = element("div", { class: "banner", "aria-live": "polite" });
        /** @type {Record<string, {element: HTMLElement, update: (data: Overview) => void, shown?: () => void}>} */
        this.pages = {
            installed: new Installed(this),
            available: new Available(this),
            install: new Installing(this),
            sets: new Sets(this),
        };
        this.tabs = element("div", { class: "pages", role: "tablist", "aria-label": "Pages of the Extensions tab", id: "tabs_extensions" });
        for (const [id, title] of PAGES) this.tabs.append(this.tab(id, title));
        this.tabs.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.arrows(event));
        const panels = PAGES.map(([id]) =>
            element("div", { role: "tabpanel", id: `extensions_${id}`, "aria-labelledby": `extensions_tab_${id}`,
                hidden: id !== "installed" },
                this.pages?.[id].element));
        this.replaceChildren(this.tabs, this.banner, this.status.element, ...panels);
        this.refresh();
    }

    /** @param {string} id @param {string} title */
    tab(id, title) {
        const chosen = id === "installed";
        return element("button", {
            type: "button", class: "plain page", role: "tab", id: `extensions_tab_${id}`, "aria-controls": `extensions_${id}`,
            "aria-selected": String(chosen), tabIndex: chosen ? 0 : -1, onclick: () => this.show(id),
        }, title);
    }

    /** @param {string} id */
    show(id) {
        for (const [name] of PAGES) {
            const tab = /** @type {HTMLElement} */ (this.querySelector(`#extensions_tab_${name}`));
            tab.setAttribute("aria-selected", String(name === id));
            tab.tabIndex = name === id ? 0 : -1;
            /** @type {HTMLElement} */ (this.querySelector(`#extensions_${name}`)).hidden = name !== id;
        }
        this.pages?.[id].shown?.();
    }

    /** @param {KeyboardEvent} event */
    arrows(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const tabs = /** @type {HTMLElement[]} */ ([...(this.tabs?.children ?? [])]);
        const at = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
        const next = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : step && (at + step + tabs.length) % tabs.length;
        if (next === undefined || at < 0) return;
        event.preventDefault();
        tabs[next].focus();
        tabs[next].click();
    }

    /** Ask for everything again, and show it. */
    async refresh() {
        const data = /** @type {Overview | undefined} */ (await ask("webui/extensions"));
        if (!data) return;
        this.data = data;
        this.tell(data);
        this.dataset.allowed = String(data.allowed);
        this.announce(data);
        for (const [id] of PAGES) this.pages?.[id].update(data);
        this.dataset.ready = "true";
    }

    /** Have the rest of the page follow what has changed: panels, pages of tools and settings, words. @param {Overview} data */
    tell(data) {
        const facts = data.rows.map(({ name, origin, version, state, load_seconds, source }) => [name, origin, version, state, load_seconds, source]);
        const text = JSON.stringify(facts);
        if (this.told && this.told !== text) document.dispatchEvent(new Event("webui-extensions-changed"));
        this.told = text;
    }

    /** What a person has to know before anything else. @param {Overview} data */
    announce(data) {
        this.banner?.replaceChildren();
        if (!data.allowed) this.banner?.append(element("p", { class: "notice" }, data.why));
        if (data.safe_mode) this.banner?.append(this.safeMode(data, data.safe_mode));
        else if (data.mode !== "none") this.banner?.append(this.off(data));
    }

    /** @param {Overview} data @param {{culprit: string, deaths: number}} safe */
    safeMode(data, safe) {
        const row = data.rows.find((one) => one.name === safe.culprit);
        const culprit = row?.title ?? safe.culprit;
        const leave = (/** @type {boolean} */ without) => this.act("webui/extensions/leave-safe-mode", { without_culprit: without });
        return element("div", { class: "notice wrong-edge", role: "status" },
            element("h3", {}, "Safe mode"),
            element("p", {},
                `The program was ended ${safe.deaths} times in a row while it loaded its extensions, so those that were added are off.`),
            culprit && element("p", {}, "It was loading this one: ", element("strong", { translate: "no" }, culprit)),
            data.allowed && element("div", { class: "toolbar" },
                culprit && element("button", { type: "button", class: "primary", onclick: () => leave(true) },
                    "Switch that one off, and load the others"),
                element("button", { type: "button", onclick: () => leave(false) }, "Load them all again")));
    }

    /** @param {Overview} data */
    off(data) {
        const words = data.mode === "all" ? "All extensions are switched off together."
            : "Safe mode: only the extensions that came with the program are on.";
        const forced = data.forced !== "none";
        return element("div", { class: "notice", role: "status" },
            element("p", {}, words),
            forced && element("p", { class: "quiet" }, "The command line says so; start the program without that flag to change it."),
            data.allowed && !forced && element("div", { class: "toolbar" },
                element("button", { type: "button", class: "leave", onclick: () => this.act("webui/extensions/mode", { mode: "none" }) },
                    "Switch them on again")));
    }

    /**
     * Ask for a change, and show what is there then.
     * @param {string} path @param {unknown} json
     * @returns {Promise<any>} the answer; undefined if the program refused
     */
    async act(path, json) {
        const answer = await ask(path, { json });
        await this.refresh();
        return answer;
    }
}

customElements.define("webui-extensions", Extensions);
export { Extensions };
