// @ts-check
// Several of many: what is chosen stands as chips before a field that adds to them. Where nothing lists the choices, any text is added.
import { element } from "./dom.js";
import { Combobox } from "./options_combobox.js";

/** Dispatches "change". `value` is a list in the order of the chips; Alt and an arrow move the chip that has the focus. */
export class Chips extends EventTarget {
    /** @param {{label: string, choices?: string[], described?: Record<string, string>}} how */
    constructor({ label, choices = [], described }) {
        super();
        /** @type {string[]} */
        this.chosen = [];
        this.free = choices.length === 0;
        this.combobox = new Combobox({ label, choices, described, placeholder: "Add", keep: false });
        this.combobox.addEventListener("change", (event) => this.add(/** @type {CustomEvent} */ (event).detail));
        this.input = this.combobox.input;
        this.input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.key(event), { capture: true });
        this.list = element("ul", { class: "chips", "aria-label": label, translate: false });
        const addAll = () => this.change([...this.choices], this.choices.length - 1);
        this.all = element("button", { type: "button", class: "small", onclick: addAll }, "Add all");
        this.element = element("div", { class: "chips-field" }, this.list, this.combobox.element, this.all);
        this.choices = choices;
    }

    get value() {
        return [...this.chosen];
    }

    set value(values) {
        this.chosen = [...values];
        this.draw();
    }

    /** @param {string[]} choices */
    offer(choices) {
        this.choices = choices;
        this.free = choices.length === 0;
        this.draw();
    }

    draw() {
        this.combobox.choices = this.choices.filter((choice) => !this.chosen.includes(choice));
        this.all.hidden = this.chosen.length >= this.choices.length;
        this.list.replaceChildren(...this.chosen.map((text, place) => this.chip(text, place)));
    }

    /** @param {string} text @param {number} place */
    chip(text, place) {
        const name = `Remove ${text}`;
        const remove = element("button", {
            type: "button", class: "plain", title: name, "aria-label": name, disabled: this.input.disabled,
            onclick: () => this.change(this.chosen.filter((_, index) => index !== place), place),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.move(event, place),
        }, "×");
        return element("li", { class: "chip" }, element("span", {}, text), remove);
    }

    /** @param {KeyboardEvent} event @param {number} place */
    move(event, place) {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
        const to = place + step;
        if (!step || to < 0 || to >= this.chosen.length) return;
        event.preventDefault();
        if (!event.altKey) return /** @type {any} */ (this.list.children[to]).querySelector("button").focus();
        const values = [...this.chosen];
        [values[place], values[to]] = [values[to], values[place]];
        this.change(values, to);
    }

    /** @param {string[]} values @param {number} [focus] the chip that the focus goes to */
    change(values, focus) {
        this.value = values;
        if (focus !== undefined) {
            const chip = this.list.children[Math.min(focus, values.length - 1)];
            (chip?.querySelector("button") ?? this.input).focus();
        }
        this.dispatchEvent(new Event("change"));
    }

    /** @param {string} text */
    add(text) {
        if (text && !this.chosen.includes(text)) this.change([...this.chosen, text]);
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        if (event.key === "Backspace" && !this.input.value && this.chosen.length) this.change(this.chosen.slice(0, -1));
        if (event.key !== "Enter" || !this.free || !this.input.value.trim()) return;
        event.preventDefault();
        event.stopPropagation();
        this.add(this.input.value.trim());
        this.combobox.leave();
    }
}
