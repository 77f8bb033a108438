// @ts-check
// A field that chooses one of many: type to narrow the list, arrows to walk in it, Enter to take, Esc to leave it as it was.
import { element } from "./dom.js";

const MOST = 200; // entries that are drawn; who looks for more types a letter
let made = 0;

/** Dispatches "change" when something is chosen. `value` is the chosen text, which may be one that the list does not hold. */
export class Combobox extends EventTarget {
    /**
     * @param {object} how
     * @param {string} [how.label]
     * @param {string[]} [how.choices]
     * @param {string} [how.value]
     * @param {string} [how.placeholder]
     * @param {boolean} [how.keep] false: the field is empty again after each choice, for lists that one adds to
     * @param {Record<string, string>} [how.described] what stands beside a choice and is searched with it
     */
    constructor({ label, choices = [], value = "", placeholder = "", keep = true, described = {} }) {
        super();
        this.choices = choices;
        this.described = described;
        this.keep = keep;
        this.chosen = value;
        this.at = -1;
        const id = `options-list-${++made}`;
        this.input = element("input", {
            type: "text", role: "combobox", autocomplete: "off", spellcheck: false, placeholder, value,
            "aria-label": label, "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list", translate: false,
            oninput: () => this.open(this.input.value), onclick: () => this.open(), onblur: () => this.leave(),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
        });
        this.list = element("ul", {
            class: "options-list", id, role: "listbox", popover: "manual", translate: false,
            onmousedown: (/** @type {Event} */ event) => event.preventDefault(), // the field keeps the focus
            onclick: (/** @type {any} */ event) => this.take(event.target.closest("li[data-value]")),
        });
        this.element = element("div", { class: "combobox" }, this.input, this.list);
        this.away = (/** @type {Event} */ event) => {
            if (event.target === this.list) return;
            const { top, bottom } = this.input.getBoundingClientRect();
            if (bottom < 0 || top > innerHeight) this.close();
            else this.place(); // the page moved under it: the list goes along
        };
    }

    get value() {
        return this.chosen;
    }

    set value(text) {
        this.chosen = text;
        this.input.value = text;
    }

    get opened() {
        return this.input.getAttribute("aria-expanded") === "true";
    }

    /** Show the list below the field, or above where there is more room. @param {string} [sought] */
    open(sought = "") {
        if (this.input.disabled) return;
        const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
        const texts = (/** @type {string} */ choice) => `${choice}\n${this.described[choice] ?? ""}`.toLowerCase();
        const found = this.choices.filter((choice) => words.every((word) => texts(choice).includes(word)));
        this.list.replaceChildren(...found.slice(0, MOST).map((choice) => this.line(choice)), ...this.remarks(found.length));
        this.mark(Math.max(found.slice(0, MOST).indexOf(this.chosen), sought ? 0 : -1));
        if (this.opened) return this.place();
        this.input.setAttribute("aria-expanded", "true");
        this.list.showPopover?.();
        this.place();
        addEventListener("scroll", this.away, { capture: true, passive: true });
        addEventListener("resize", this.away);
    }

    /** @param {number} count */
    remarks(count) {
        const words = count === 0 ? "Nothing like that" : count > MOST ? "Type to see more" : "";
        return words ? [element("li", { class: "remark", role: "option", "aria-disabled": "true", translate: true }, words)] : [];
    }

    /** @param {string} choice */
    line(choice) {
        const chosen = choice === this.chosen;
        return element("li", { role: "option", dataset: { value: choice }, id: `options-line-${++made}`, "aria-selected": String(chosen) },
            choice || "(none)", this.described[choice] && element("small", { translate: true }, this.described[choice]));
    }

    place() {
        const box = this.input.getBoundingClientRect();
        const below = innerHeight - box.bottom - 12;
        const above = box.top - 12;
        const under = below >= Math.min(this.list.scrollHeight, 220) || below >= above;
        Object.assign(this.list.style, {
            left: `${box.left}px`, width: `${box.width}px`, maxHeight: `${Math.min(360, under ? below : above)}px`,
            top: under ? `${box.bottom + 2}px` : "auto", bottom: under ? "auto" : `${innerHeight - box.top + 2}px`,
        });
    }

    close() {
        if (!this.opened) return;
        this.input.setAttribute("aria-expanded", "false");
        this.input.removeAttribute("aria-activedescendant");
        this.list.hidePopover?.();
        removeEventListener("scroll", this.away, { capture: true });
        removeEventListener("resize", this.away);
    }

    /** The field was left: it shows what is chosen, whatever was typed to look for it. */
    leave() {
        this.close();
        this.input.value = this.keep ? this.chosen : "";
    }

    /** Walk to an entry. @param {number} place */
    mark(place) {
        const lines = [...this.list.querySelectorAll("li[data-value]")];
        this.at = lines.length ? Math.min(place, lines.length - 1) : -1;
        lines.forEach((line, index) => line.classList.toggle("at", index === this.at));
        const line = lines[this.at];
        if (line) {
            this.input.setAttribute("aria-activedescendant", line.id);
            line.scrollIntoView?.({ block: "nearest" });
        } else this.input.removeAttribute("aria-activedescendant");
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
        if (move !== undefined) {
            if (this.opened) this.mark(Math.max(0, this.at + move));
            else this.open();
        } else if (event.key === "Enter" && this.opened) this.take(this.list.querySelector("li.at"));
        else if (event.key === "Escape" && this.opened) this.leave();
        else return;
        event.preventDefault();
        event.stopPropagation();
    }

    /** @param {any} line of the list */
    take(line) {
        if (!line) return;
        const value = line.dataset.value;
        this.chosen = this.keep ? value : "";
        this.leave();
        this.dispatchEvent(new CustomEvent("change", { detail: value }));
    }
}
