// @ts-check
// One extension's options in a form: drawn from what they are declared as, or by an element of the extension's own.
import { element } from "./dom.js";
import { loaded } from "./extension_loader.js";
import { say } from "./notices.js";
import { OptionsForm } from "./options.js";

/** @typedef {{name: string, title: string, description: string, always_on: boolean, element: string, fields: any[]}} Panel */
/** @typedef {{tab: string, id: string, lists: Record<string, string[]>, values: Record<string, any>}} Place */
/** @typedef {EventTarget & {element: HTMLElement, values: any, asked: any, problems: string[]}} PanelForm */

/** @param {Panel} panel @param {Place} place @returns {PanelForm} */
export const panelForm = (panel, place) => new Panelled(panel, place);

/** @param {Panel} panel @param {Place} place */
const generated = (panel, { id, lists, values }) =>
    new OptionsForm(panel.fields, { id: (field) => `${id}_${field.name}`, lists, values: { ...values } });

/** Dispatches "change". Until the modules of extensions are there, it holds the values, and shows nothing. */
class Panelled extends EventTarget {
    /** @param {Panel} panel @param {Place} place */
    constructor(panel, place) {
        super();
        this.panel = panel;
        this.place = place;
        this.held = { ...Object.fromEntries(panel.fields.map(({ name, value }) => [name, value])), ...place.values };
        this.element = element("div", { class: "webui script-options" });
        /** @type {OptionsForm | undefined} */
        this.form = undefined;
        /** @type {any} the extension's own element */
        this.own = undefined;
        if (panel.element) this.choose(panel.element);
        else this.draw();
    }

    /** Show the extension's own element, once the modules of extensions are there. @param {string} tag */
    async choose(tag) {
        await loaded();
        const { panel, place } = this;
        if (!customElements.get(tag)) {
            say(`${panel.title}: its own panel did not come, so a plain one is shown.`);
            return this.draw();
        }
        this.own = element(tag);
        this.element.replaceChildren(this.own);
        Object.assign(this.own, { tab: place.tab, schema: panel.fields, lists: place.lists, value: this.held });
        this.own.addEventListener("change", () => this.tell());
        this.tell();
        return undefined;
    }

    /** The generated one. */
    draw() {
        this.form = generated(this.panel, { ...this.place, values: this.held });
        this.form.addEventListener("change", () => this.tell());
        this.element.replaceChildren(this.form.element);
    }

    tell() {
        this.dispatchEvent(new Event("change"));
    }

    get values() {
        return this.form?.values ?? this.own?.value ?? this.held;
    }

    set values(values) {
        this.held = { ...this.held, ...values };
        if (this.form) this.form.values = values;
        else if (this.own) this.own.value = this.held;
    }

    /** What a request is to have of them. */
    get asked() {
        return this.form?.asked ?? this.own?.value ?? this.held;
    }

    /** @returns {string[]} */
    get problems() {
        return this.form?.problems ?? this.own?.problems ?? [];
    }
}
