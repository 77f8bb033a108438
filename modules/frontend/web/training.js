// @ts-check
// The Train tab: a new training, those that wait, run and have ended, and the workbench for pictures and captions.
import { element } from "./dom.js";
import { changes } from "./jobs.js";
import { form } from "./training_data.js";
import { NewTraining } from "./training_new.js";
import { Trainings } from "./training_runs.js";

const PAGES = /** @type {const} */ ([["new", "New training"], ["runs", "Trainings"], ["dataset", "Dataset"]]);

class Training extends HTMLElement {
    at = "";
    /** @type {AbortController | undefined} */
    heard = undefined;

    connectedCallback() {
        if (!this.childElementCount) {
            this.classList.add("webui");
            this.replaceChildren(element("p", { class: "empty" }, "Reading…"));
            this.load();
        }
        this.seen = new IntersectionObserver(([entry]) => {
            this.visible = entry.isIntersecting;
            this.watch();
        });
        this.seen.observe(this);
        this.heard ??= new AbortController();
        const { signal } = this.heard;
        document.addEventListener("webui-dataset-train", (/** @type {any} */ event) => {
            this.show("new");
            this.begin?.on(event.detail.folder);
        }, { signal });
        document.addEventListener("webui-dataset-changed", () => this.begin && (this.begin.outlook.stale = true), { signal });
        changes.addEventListener("models", () => this.renew(), { signal });
    }

    disconnectedCallback() {
        this.seen?.disconnect();
        this.heard?.abort();
        this.heard = undefined;
        this.visible = false;
        this.watch();
    }

    async load() {
        const known = await form();
        if (!known) {
            return this.replaceChildren(element("p", { class: "empty" }, "The Train tab could not be read. "),
                element("button", { type: "button", onclick: () => this.load() }, "Try again"));
        }
        this.begin = new NewTraining(this, known);
        this.runs = new Trainings(this);
        this.workbench = element("div", { class: "training-dataset" });
        const pages = { new: this.begin.element, runs: this.runs.element, dataset: this.workbench };
        this.tabs = element("div", {
            class: "training-tabs", role: "tablist", "aria-label": "Train", onkeydown: (/** @type {KeyboardEvent} */ event) =>
                this.arrows(event),
        }, ...PAGES.map(([name, words]) => element("button", {
            type: "button", class: "plain", role: "tab", id: `training_tab_${name}`, "aria-controls": `training_${name}`, dataset: { name },
                onclick: () => this.show(name),
        }, words)));
        this.panels = PAGES.map(([name]) => element("section", {
            role: "tabpanel", id: `training_${name}`, "aria-labelledby": `training_tab_${name}`, hidden: true,
        }, pages[name]));
        this.replaceChildren(this.tabs, ...this.panels);
        this.show("new");
    }

    /** A model has come: it can be chosen. */
    async renew() {
        const known = this.begin && await form();
        if (known) this.begin?.renew(known.lists);
    }

    /** @param {string} name */
    show(name) {
        this.at = name;
        for (const [place, tab] of [...this.tabs.children].entries()) {
            const chosen = tab.dataset.name === name;
            tab.setAttribute("aria-selected", String(chosen));
            tab.tabIndex = chosen ? 0 : -1;
            if (this.panels) this.panels[place].hidden = !chosen;
        }
        if (name === "dataset" && !this.workbench.childElementCount) this.workbench.append(element("webui-dataset"));
        this.watch();
    }

    /** @param {KeyboardEvent} event */
    arrows(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const place = PAGES.findIndex(([name]) => name === this.at);
        this.show(PAGES[(place + step + PAGES.length) % PAGES.length][0]);
        this.tabs.querySelector("[aria-selected=true]").focus();
    }

    /** Look at the program only while somebody looks here. */
    watch() {
        this.runs?.watch(Boolean(this.visible) && this.at === "runs");
        this.begin?.watch(Boolean(this.visible) && this.at === "new");
    }

    /** Show a training. @param {string} id */
    open(id) {
        this.show("runs");
        this.runs?.open(id);
    }

    /** Begin another one from a request. @param {any} request @param {string} from what it is of, for people */
    again(request, from) {
        this.show("new");
        this.begin?.take(request, from);
    }

    /** Show a folder in the workbench, with some of its pictures selected. @param {string} folder @param {string[]} [names] */
    async edit(folder, names = []) {
        this.show("dataset");
        await customElements.whenDefined("webui-dataset");
        this.workbench.firstElementChild.open(folder, names);
    }

    /** How many wait or run, beside the name of their page. @param {number} count */
    count(count) {
        const tab = this.tabs?.querySelector("[data-name=runs]");
        if (tab) tab.dataset.count = count ? String(count) : "";
    }
}

customElements.define("webui-training", Training);
