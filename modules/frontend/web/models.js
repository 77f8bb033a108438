// @ts-check
// The Models tab: what is on disk and what is wrong with it, models from elsewhere, and the downloads between them.
import { element } from "./dom.js";
import { call } from "./server.js";
import { Details } from "./models_details.js";
import { Downloads } from "./models_downloads.js";
import { Files } from "./models_files.js";
import { Search } from "./models_search.js";

const BUSY = 1000, IDLE = 6000; // milliseconds between two looks, while something goes on and while nothing does

/**
 * @typedef {{id: string, name: string, folder: string, kind: string, size: number, modified: number, created: number, title: string,
 *   sha256: string | null, family: string | null, details: string[], known: boolean, problem: string | null, hint: string,
 *   belongs: string | null, used: boolean, same_as: string[], maybe_same: string[]}} ModelFile
 * @typedef {{version: string, pending: number, hashing: {waiting: string[], id: string | null, done: number | null, total: number | null},
 *   may_change: boolean, files: ModelFile[], shelves: {kind: string, label: string, folder: string, used: boolean}[],
 *   disk: {free: number, total: number}, trash: {id: string, name: string, folder: string, thrown: number, size: number}[]}} Listing
 */

class Models extends HTMLElement {
    /** @type {Listing | undefined} */
    listing;

    connectedCallback() {
        if (!this.files) this.build();
        this.seen = new IntersectionObserver(([entry]) => this.watch(entry.isIntersecting));
        this.seen.observe(this);
    }

    disconnectedCallback() {
        this.seen?.disconnect();
        this.watch(false);
    }

    build() {
        this.classList.add("webui");
        this.details = new Details(this);
        this.files = new Files(this);
        this.downloads = new Downloads(this);
        this.search = new Search(this);
        this.append(
            element("section", { class: "models-get panel", "aria-label": "Get models" }, this.search.element, this.downloads.element),
            this.files.element,
        );
    }

    /** Look at the program now and then, while the tab is in front. @param {boolean} visible */
    watch(visible) {
        clearTimeout(this.timer);
        this.visible = visible;
        if (visible) this.look();
    }

    async look() {
        clearTimeout(this.timer);
        await Promise.all([this.refresh(), this.downloads?.refresh()]);
        if (!this.visible) return;
        clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.look(), this.busy() ? BUSY : IDLE);
    }

    busy() {
        return Boolean(this.listing?.pending || this.listing?.hashing.waiting.length || this.downloads?.moving);
    }

    /** Ask for the files again, if anything has changed. @param {{force?: boolean}} [how] */
    async refresh({ force = false } = {}) {
        const since = force || !this.listing ? "" : this.listing.version;
        const answer = await call(`webui/models/files?since=${encodeURIComponent(since)}`);
        if (!answer) return;
        this.listing = answer.unchanged ? { ...this.listing, ...answer } : answer;
        if (answer.unchanged) this.files?.progress();
        else this.files?.take();
        this.search?.take();
        if (!answer.unchanged) this.details?.refresh();
    }

    /** @param {string} kind @returns {string} */
    label(kind) {
        return this.listing?.shelves.find((shelf) => shelf.kind === kind)?.label ?? "Other files";
    }
}

customElements.define("webui-models", Models);
