// @ts-check
// The Tools tab: the pages that extensions bring along. Each is made when it is first opened, and kept.
import { element } from "./dom.js";
import { entries, loaded } from "./extension_loader.js";

/** @typedef {{name: string, title: string, element: string}} Tool */

const OPEN = "webui-tool";

class Tools extends HTMLElement {
    /** What was made, by extension. @type {Map<string, HTMLElement>} */
    made = new Map();
    /** @type {Tool[]} */
    tools = [];
    at = "";

    connectedCallback() {
        if (this.body) return;
        this.classList.add("webui");
        this.strip = element("div", { class: "tool-tabs", role: "tablist", "aria-label": "Tools",
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.arrows(event) });
        this.body = element("div", { class: "tool-pages" });
        this.empty = element("p", { class: "empty", hidden: true },
            "No extension has a page here. Those that have one show it as soon as they are switched on.");
        this.replaceChildren(this.strip, this.empty, this.body);
        this.fill = () => this.draw();
        document.addEventListener("webui-extensions-loaded", this.fill);
        loaded().then(this.fill);
        this.sight = new IntersectionObserver(([entry]) => entry.isIntersecting && this.tell());
        this.sight.observe(this);
    }

    /** Show the pages that there are now. */
    draw() {
        this.tools = (entries() ?? []).flatMap(({ name, tab }) => (tab ? [{ name, ...tab }] : []))
            .sort((one, other) => one.title.localeCompare(other.title));
        for (const [name, page] of this.made) {
            if (this.tools.some((one) => one.name === name && one.element === page.dataset.element)) continue;
            page.remove();
            this.made.delete(name);
        }
        this.empty.hidden = this.tools.length > 0;
        this.dataset.count = String(this.tools.length);
        const kept = this.at || sessionStorage.getItem(OPEN);
        const open = this.tools.find(({ name }) => name === kept) ?? this.tools[0];
        this.strip.replaceChildren(...this.tools.map((one) => this.tab(one)));
        if (open) this.show(open.name);
    }

    /** @param {Tool} one */
    tab({ name, title }) {
        return element("button", { type: "button", class: "plain tool-tab", role: "tab", id: `tool_${name}_tab`, dataset: { name },
            "aria-controls": `tool_${name}`, onclick: () => this.show(name) }, title);
    }

    /** @param {string} name */
    show(name) {
        const one = this.tools.find((each) => each.name === name);
        if (!one) return;
        this.at = name;
        sessionStorage.setItem(OPEN, name);
        for (const tab of this.strip.children) {
            tab.setAttribute("aria-selected", String(tab.dataset.name === name));
            tab.tabIndex = tab.dataset.name === name ? 0 : -1;
        }
        if (!this.made.has(name)) this.make(one);
        for (const [each, page] of this.made) page.hidden = each !== name;
        this.tell();
    }

    /** @param {Tool} one */
    make({ name, element: tag }) {
        const known = customElements.get(tag);
        const page = element("div", { class: "tool-page", role: "tabpanel", id: `tool_${name}`, "aria-labelledby": `tool_${name}_tab`,
            dataset: { element: tag } },
            known ? element(tag) : element("p", { class: "empty" }, "The page of this extension did not come. Load the page again to try anew."));
        this.made.set(name, page);
        this.body.append(page);
    }

    /** Tell the page in front that it is seen. */
    tell() {
        this.made.get(this.at)?.firstElementChild?.dispatchEvent(new Event("shown"));
    }

    /** @param {KeyboardEvent} event */
    arrows(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step || !this.tools.length) return;
        event.preventDefault();
        const place = this.tools.findIndex(({ name }) => name === this.at);
        this.show(this.tools[(place + step + this.tools.length) % this.tools.length].name);
        this.strip.querySelector("[aria-selected=true]")?.focus();
    }
}

customElements.define("webui-tools", Tools);
