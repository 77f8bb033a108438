// @ts-check
// Groups of the same options, each a tab: the units of an extension. One that has a switch of its own is marked while it is on.
import { element, tool } from "./dom.js";
import { OptionsForm } from "./options.js";

/** @typedef {import("./options_controls.js").Field} Field */
/** @typedef {import("./options_controls.js").Control} Control */

const SWITCH = "enabled"; // the field that says whether a unit takes part

/** Whether two units hold the same, in whatever order. @param {Record<string, any>} one @param {Record<string, any>} other */
const alike = (one, other) => Object.keys(one).every((name) => JSON.stringify(one[name]) === JSON.stringify(other[name] ?? null));

/** The tabs of a field of units. */
class Units {
    /** @param {Field} field @param {string} id @param {() => void} changed @param {import("./options_controls.js").Around} around */
    constructor(field, id, changed, around) {
        this.field = field;
        this.id = id.replace(/-input$/, "");
        this.changed = changed;
        this.around = around;
        this.fields = field.fields ?? [];
        this.most = field.most ?? 10;
        this.first = Object.fromEntries(this.fields.map(({ name, value }) => [name, value]));
        this.switched = this.fields.some(({ name, control }) => name === SWITCH && control === "toggle");
        /** @type {OptionsForm[]} */
        this.forms = [];
        this.at = 0;
        this.tabs = element("div", { class: "unit-tabs", role: "tablist", "aria-label": field.label,
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.arrows(event) });
        this.add = tool("add-unit", "Add a unit", () => this.grow());
        this.less = tool("remove-unit", "Remove this unit", () => this.remove());
        this.body = element("div", { class: "unit-body", role: "tabpanel", id: `${id}-panel` });
        this.element = element("div", { class: "units", id }, element("div", { class: "unit-head" }, this.tabs, this.add, this.less), this.body);
    }

    /** @param {Record<string, any>} values @returns {OptionsForm} */
    made(values) {
        const number = this.forms.length + 1;
        const form = new OptionsForm(this.fields, { values, lists: this.around.lists, refresh: this.around.refresh,
            id: (field) => `${this.id}_${number}_${field.name}` });
        form.addEventListener("change", () => {
            this.draw();
            this.changed();
        });
        return form;
    }

    /** @param {any[]} given */
    write(given) {
        const wanted = (given ?? []).slice(0, this.most).map((unit) => ({ ...this.first, ...unit }));
        const blank = wanted.length && this.switched ? { ...this.first, [SWITCH]: false } : this.first;
        const least = wanted.length && !this.switched ? wanted.length : Math.max(1, this.field.shown ?? 1);
        while (wanted.length < least) wanted.push({ ...blank });
        this.forms.length = Math.min(this.forms.length, wanted.length);
        wanted.forEach((values, place) => {
            if (this.forms[place]) this.forms[place].values = values;
            else this.forms.push(this.made(values));
        });
        this.show(Math.min(this.at, this.forms.length - 1));
    }

    grow() {
        this.forms.push(this.made({ ...this.first }));
        this.show(this.forms.length - 1);
        this.tabs.lastElementChild?.focus();
        this.changed();
    }

    remove() {
        this.forms.splice(this.at, 1);
        this.show(Math.max(0, this.at - 1));
        this.tabs.children[this.at]?.focus();
        this.changed();
    }

    /** @param {number} place */
    show(place) {
        this.at = place;
        this.body.replaceChildren(this.forms[place].element);
        this.draw();
    }

    /** The tabs, with their marks. */
    draw() {
        const focused = this.tabs.contains(document.activeElement);
        this.tabs.replaceChildren(...this.forms.map((form, place) => {
            const chosen = place === this.at;
            const on = this.switched && form.values[SWITCH];
            return element("button", { type: "button", class: `plain unit-tab${on ? " on" : ""}`, role: "tab", id: `${this.id}-tab-${place + 1}`,
                "aria-selected": String(chosen), "aria-controls": `${this.id}-panel`, tabIndex: chosen ? 0 : -1,
                title: on ? "This unit is on" : undefined, onclick: () => this.show(place) }, `Unit ${place + 1}`);
        }));
        this.body.setAttribute("aria-labelledby", `${this.id}-tab-${this.at + 1}`);
        this.add.disabled = this.forms.length >= this.most;
        this.less.hidden = this.forms.length < 2;
        if (focused) this.tabs.children[this.at]?.focus();
    }

    /** @param {KeyboardEvent} event */
    arrows(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        this.show((this.at + step + this.forms.length) % this.forms.length);
        this.tabs.children[this.at].focus();
    }

    /** @returns {any[]} */
    get values() {
        return this.forms.map((form) => form.values);
    }
}

/** @param {Field} field @param {string} id @param {() => void} changed @param {import("./options_controls.js").Around} around @returns {Control} */
export function units(field, id, changed, around) {
    const made = new Units(field, id, changed, around);
    const taken = (/** @type {OptionsForm} */ form) => !made.switched || form.values[SWITCH];
    return {
        element: made.element,
        read: () => made.values,
        asked: () => made.forms.filter(taken).map((form) => form.asked),
        write: (value) => made.write(value),
        is: (value) => {
            const first = value?.length ? value : Array(Math.max(1, field.shown ?? 1)).fill({});
            return first.length === made.forms.length && made.values.every((unit, place) => alike(unit, { ...made.first, ...first[place] }));
        },
        problems: () => made.forms.filter(taken).flatMap((form) => form.problems),
        lists: (lists) => made.forms.forEach((form) => form.setLists(lists)),
        disable: (flag) => {
            for (const form of made.forms) for (const name of form.rows.keys()) form.disable(name, flag ? " " : "");
        },
    };
}
