// @ts-check
// <webui-found>: small pictures that the program has found or made: faces, lines, depth. A click shows one large; with the attribute
// "choose" each has a tick.
import { element } from "./dom.js";

/** @typedef {{src: string, label?: string, note?: string, on?: boolean}} Item `label` is the page's own, `note` a person's or a number */

/** Dispatches "change" with an item's place as its detail when its tick changes. */
export class Found extends HTMLElement {
    /** @type {Item[]} */
    #items = [];

    connectedCallback() {
        this.classList.add("webui");
        this.setAttribute("role", "group");
        if (!this.hasAttribute("aria-label")) this.setAttribute("aria-label", this.getAttribute("name") ?? "Found");
        this.draw();
    }

    get items() {
        return this.#items;
    }

    set items(items) {
        this.#items = items;
        this.draw();
    }

    /** The places of those that are ticked. */
    get chosen() {
        return this.#items.map((_, place) => place).filter((place) => this.#items[place].on !== false);
    }

    draw() {
        if (this.isConnected) this.replaceChildren(...this.#items.map((item, place) => this.item(item, place)));
    }

    /** @param {Item} item @param {number} place */
    item(item, place) {
        const words = [item.label, item.note].filter(Boolean).join(" ");
        const picture = element("button", { type: "button", class: "plain found-picture", title: "Show it large",
            "aria-label": `Show it large: ${words || place + 1}`, onclick: () => this.large(item) },
            element("img", { src: item.src, alt: "", loading: "lazy", decoding: "async" }));
        const tick = this.hasAttribute("choose") && element("input", { type: "checkbox", checked: item.on !== false,
            "aria-label": words || String(place + 1), onchange: (/** @type {any} */ event) => {
                item.on = event.target.checked;
                this.dispatchEvent(new CustomEvent("change", { detail: place }));
            } });
        return element("figure", { class: item.on === false ? "off" : "" }, picture,
            (words || tick) && element("figcaption", {}, tick, item.label && element("span", {}, item.label),
                item.note && element("span", { class: "quiet", translate: false }, item.note)));
    }

    /** @param {Item} item */
    large(item) {
        const dialog = element("dialog", { class: "webui found-large", "aria-label": item.label || "Picture", onclick: () => dialog.close(),
            onclose: () => dialog.remove() },
            element("img", { src: item.src, alt: item.label ?? "" }),
            element("button", { type: "button", autofocus: true }, "Close"));
        document.body.append(dialog);
        dialog.showModal();
    }
}

customElements.define("webui-found", Found);
