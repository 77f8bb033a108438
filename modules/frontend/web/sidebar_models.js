// @ts-check
// The cards of all kinds of models in one narrow place, for the form in front.
import { element } from "./dom.js";

/** @type {[string, string][]} */
const KINDS = [["lora", "LoRAs"], ["embedding", "Embeddings"], ["hypernetwork", "Hypernetworks"], ["checkpoint", "Checkpoints"]];
const KIND = "webui-sidebar-kind";

/** What the right sidebar holds. */
export class ModelsPanel {
    /** Each kind's cards of each form, once they were looked at. @type {Map<string, HTMLElement>} */
    made = new Map();
    tab = "";

    constructor() {
        const kept = localStorage.getItem(KIND);
        this.kind = KINDS.some(([kind]) => kind === kept) ? String(kept) : KINDS[0][0];
        this.tabs = KINDS.map(([kind, name]) => element("button", {
            type: "button", role: "tab", id: `webui_sidebar_${kind}`, "aria-controls": "webui_sidebar_cards", dataset: { kind },
            onclick: () => this.choose(kind),
        }, name));
        this.strip = element("div", {
            class: "sidebar-tabs", role: "tablist", "aria-label": "Kinds of models",
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
        }, ...this.tabs);
        this.place = element("div", { class: "sidebar-cards", role: "tabpanel", id: "webui_sidebar_cards" });
        this.element = element("div", { class: "sidebar-models" }, this.strip, this.place);
    }

    /** @param {"txt2img" | "img2img"} tab */
    show(tab) {
        this.tab = tab;
        for (const each of this.tabs) {
            const chosen = each.dataset.kind === this.kind;
            each.setAttribute("aria-selected", String(chosen));
            each.tabIndex = chosen ? 0 : -1;
        }
        this.place.setAttribute("aria-labelledby", `webui_sidebar_${this.kind}`);
        const name = `${tab}-${this.kind}`;
        const cards = this.made.get(name) ?? element("webui-cards", { dataset: { kind: this.kind, tab } });
        this.made.set(name, cards);
        if (this.place.firstChild !== cards) this.place.replaceChildren(cards);
    }

    hide() {
        this.place.replaceChildren(); // cards that nobody sees do not watch the prompt
    }

    /** @param {string} kind */
    choose(kind) {
        this.kind = kind;
        localStorage.setItem(KIND, kind);
        if (this.tab) this.show(/** @type {"txt2img" | "img2img"} */ (this.tab));
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        const here = KINDS.findIndex(([kind]) => kind === this.kind);
        /** @type {Record<string, number>} */
        const places = { ArrowRight: here + 1, ArrowLeft: here - 1 + KINDS.length, Home: 0, End: KINDS.length - 1 };
        const next = places[event.key];
        if (next === undefined) return;
        event.preventDefault();
        this.choose(KINDS[next % KINDS.length][0]);
        this.tabs[next % KINDS.length].focus();
    }
}
