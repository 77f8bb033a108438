// @ts-check
// A form made from declared options (modules/contract/schema.py): for settings, scripts and extensions alike.
import { element, tool } from "./dom.js";
import { controlFor } from "./options_controls.js";
import { style } from "./parts.js";

/** @typedef {import("./options_controls.js").Field} Field */
/** @typedef {import("./options_controls.js").Control} Control */
/** @typedef {{field: Field, control: Control, element: HTMLElement, reset: HTMLElement, problem: HTMLElement, refused: string}} Row */

/**
 * @typedef {object} How
 * @property {(field: Field) => string} [id] of the element around a control
 * @property {Record<string, string[]>} [lists] the models by kind
 * @property {(kind: string) => Promise<string[] | undefined>} [refresh] looks for the models of a kind again; gives lists a button for it
 * @property {Record<string, any>} [values] that the fields start with, where they are not the defaults
 */

let made = 0;
let styled = false;

const same = (/** @type {unknown} */ one, /** @type {unknown} */ other) => JSON.stringify(one) === JSON.stringify(other);

/** Dispatches "change", with the field's name as its detail; `onchange` is called with it as well. */
export class OptionsForm extends EventTarget {
    /** @param {Field[]} fields @param {How} [how] */
    constructor(fields, { id, lists = {}, refresh, values = {} } = {}) {
        super();
        if (!styled) style("options");
        styled = true;
        this.fields = fields;
        this.lists = lists;
        this.refresh = refresh;
        /** @type {((name: string) => void) | undefined} */
        this.onchange = undefined;
        /** @type {Map<string, Row>} */
        this.rows = new Map();
        /** What the hidden ones hold. @type {Record<string, any>} */
        this.hidden = {};
        /** The pictures whose masks have no row of their own, by the mask's name. @type {Map<string, string>} */
        this.masks = new Map(fields.filter(({ mask }) => mask).map(({ name, mask }) => [/** @type {string} */ (mask), name]));
        this.element = element("div", { class: "webui options" });
        for (const field of fields) {
            if (this.masks.has(field.name)) continue;
            if (field.control === "hidden") this.hidden[field.name] = field.value;
            else this.element.append(this.row(field, id?.(field) ?? `option-${++made}`));
        }
        this.values = { ...Object.fromEntries(fields.map((field) => [field.name, field.value])), ...values };
    }

    /** Every field's value by name, wrong ones as they were typed. */
    get values() {
        return this.read((control) => control.read());
    }

    /** What a request is to have of them. */
    get asked() {
        return this.read((control) => (control.asked ?? control.read)());
    }

    /** @param {(control: Control) => any} value @returns {Record<string, any>} */
    read(value) {
        const masks = [...this.masks].map(([name, of]) => [name, this.rows.get(of)?.control.over?.read() ?? null]);
        return { ...this.hidden, ...Object.fromEntries([...this.rows].map(([name, row]) => [name, value(row.control)])),
            ...Object.fromEntries(masks) };
    }

    /** Sets those that are named. */
    set values(values) {
        for (const [name, value] of Object.entries(values)) {
            const row = this.rows.get(name);
            if (row) row.control.write(value);
            else if (name in this.hidden) this.hidden[name] = value;
            else this.rows.get(this.masks.get(name) ?? "")?.control.over?.write(value);
        }
        this.follow();
        for (const name of this.rows.keys()) this.judge(name);
    }

    /** The names of the fields that are not at their default. */
    get changed() {
        return [...this.rows.values()].filter((row) => this.differs(row)).map(({ field }) => field.name);
    }

    /** Whether a field is not at its default. @param {Row} row */
    differs({ field, control }) {
        return Boolean(control.over?.read()) || !(control.is?.(field.value) ?? same(control.read(), field.value));
    }

    /** What is wrong with the values, a sentence each. */
    get problems() {
        return [...this.rows.values()].filter(({ element: row }) => !row.hidden)
            .flatMap(({ control }) => [control.problem?.() ?? "", ...(control.problems?.() ?? [])]).filter(Boolean);
    }

    /** Back to the default: one field, or all. @param {string} [name] */
    reset(name) {
        const names = name === undefined ? this.changed : [name];
        const reset = (/** @type {Field} */ field) => names.includes(this.masks.get(field.name) ?? field.name);
        const defaults = this.fields.filter(reset).map((field) => [field.name, field.value]);
        this.values = Object.fromEntries(defaults);
        for (const one of names) this.tell(one);
    }

    /** @param {string} name @param {string[]} choices */
    setChoices(name, choices) {
        this.rows.get(name)?.control.offer?.(choices);
    }

    /** The models by kind. @param {Record<string, string[]>} lists */
    setLists(lists) {
        this.lists = { ...this.lists, ...lists };
        for (const { field, control } of this.rows.values()) {
            if (field.kind) control.offer?.(this.lists[field.kind] ?? []);
            control.lists?.(this.lists);
        }
        this.follow();
    }

    /** @param {string} name @param {boolean} shown */
    show(name, shown) {
        const row = this.rows.get(name);
        if (row) row.element.hidden = !shown;
    }

    /** Keep a field from being changed, and say why; an empty reason frees it again. @param {string} name @param {string} why */
    disable(name, why) {
        const row = this.rows.get(name);
        if (!row) return;
        row.refused = why;
        row.control.disable(Boolean(why));
        row.element.classList.toggle("refused", Boolean(why));
        this.judge(name);
    }

    /** @param {Field} field @param {string} id */
    row(field, id) {
        const name = `${id}-label`;
        const control = controlFor(field, `${id}-input`, () => this.edited(field.name), this);
        const label = element(control.input ? "label" : "span", { class: "label", id: name, htmlFor: control.input?.id }, field.label);
        const look = { class: "tool icon-reset small", id: `${id}-reset` };
        const reset = tool("reset", "Back to the default", () => this.reset(field.name), look);
        reset.setAttribute("aria-labelledby", `${id}-reset ${name}`);
        if (!control.input) control.element.setAttribute("aria-labelledby", name);
        const problem = element("p", { class: "problem", id: `${id}-problem`, "aria-live": "polite" });
        const help = field.help && element("p", { class: "help", id: `${id}-help` }, field.help);
        (control.input ?? control.element).setAttribute("aria-describedby", `${help ? `${id}-help ` : ""}${id}-problem`);
        const inline = field.control === "toggle";
        const made = element("div", { class: "option", id, dataset: { control: field.control, name: field.name } },
            element("div", { class: "head" }, inline && control.element, label, reset, control.beside),
            !inline && element("div", { class: "body" }, control.element,
                control.element.matches("select") && element("span", { class: "arrow" }), this.refresher(field)), help, problem);
        this.rows.set(field.name, { field, control, element: made, reset, problem, refused: "" });
        if (field.kind) control.offer?.(this.lists[field.kind] ?? []);
        return made;
    }

    /** The button that looks for models again. @param {Field} field */
    refresher(field) {
        const { kind } = field;
        if (!kind || !this.refresh) return null;
        return tool("refresh", "Look for files again", async () => {
            const list = await this.refresh?.(kind);
            if (list) this.setLists({ [kind]: list });
        });
    }

    /** A person changed a field. @param {string} name */
    edited(name) {
        this.follow(name);
        this.judge(name);
        this.tell(name);
    }

    /** @param {string} name */
    tell(name) {
        this.onchange?.(name);
        this.dispatchEvent(new CustomEvent("change", { detail: name }));
    }

    /** Give the fields that depend on others the choices that go with these; one without any is not shown. @param {string} [changed] */
    follow(changed) {
        for (const { field, control, element: row } of this.rows.values()) {
            if (!field.depends || (changed && field.depends.on !== changed && field.depends.unless !== changed)) continue;
            const found = field.depends.choices[String(this.values[field.depends.on])];
            const choices = typeof found === "string" ? this.lists[found] ?? [] : found;
            const by_hand = field.depends.unless !== undefined && this.values[field.depends.unless];
            row.hidden = by_hand ? field.control !== "text" : choices === undefined;
            if (!choices || by_hand) continue;
            control.offer?.(choices);
            const value = control.read();
            if (changed && Array.isArray(value)) control.write(value.filter((one) => choices.includes(one)));
        }
    }

    /** Show whether a field is changed, and what is wrong with it. @param {string} name */
    judge(name) {
        const row = /** @type {Row} */ (this.rows.get(name));
        const wrong = row.control.problem?.() ?? "";
        const words = wrong || row.refused;
        row.element.classList.toggle("changed", this.differs(row));
        row.element.classList.toggle("wrong-value", Boolean(wrong));
        (row.control.input ?? row.control.element).setAttribute("aria-invalid", String(Boolean(wrong)));
        if (row.problem.textContent !== words) row.problem.textContent = words;
    }
}
