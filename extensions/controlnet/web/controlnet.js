// @ts-check
// <controlnet-panel>: the units of ControlNet, each a tab. What is off stays here and is not sent.
import { define, element, tool } from "easel/extension.js";
import { UnitView } from "./unit.js";

/** @typedef {import("./unit.js").State} State */

/** Page-only parts of a unit's state, which are kept and never sent. */
const OWN = ["type", "preview"];
const same = (/** @type {unknown} */ one, /** @type {unknown} */ other) => JSON.stringify(one) === JSON.stringify(other);

/** Set before it is used: `tab`, `schema`, `lists`, `value`. Dispatches "change" when a person changes something. */
class ControlNetPanel extends HTMLElement {
    tab = "txt2img";
    /** @type {any[]} */
    schema = [];
    /** @type {Record<string, string[]>} */
    lists = {};
    /** @type {UnitView[]} */
    views = [];
    at = 0;

    connectedCallback() {
        this.classList.add("webui");
        if (this.schema.length && !this.views.length) this.value = {};
    }

    /** The declaration of a unit's fields. */
    get field() {
        return this.schema.find(({ control }) => control === "units") ?? { name: "units", fields: [], shown: 3, most: 10 };
    }

    /** @returns {State} */
    blank() {
        const first = Object.fromEntries(this.field.fields.map((/** @type {any} */ field) => [field.name, field.value]));
        return { ...first, enabled: false, type: "", preview: false };
    }

    /** The units as they are sent: one that is off only keeps the place of those behind it, so that numbers are those of the tabs. */
    get value() {
        return { [this.field.name]: asked(this.views.map((view) => view.state)) };
    }

    /** Options from elsewhere switch their units on and all others off; the same ones as here bring back those that are off, too. */
    set value(value) {
        const given = value?.[this.field.name] ?? [];
        const kept = this.kept();
        if (same(asked(kept), given)) this.show(kept);
        else this.show(this.taken(given, this.views.length ? this.views.map((view) => view.state) : kept));
    }

    /** @param {any[]} given @param {State[]} before whose pictures stay where the new ones have none: an infotext has no pictures */
    taken(given, before) {
        return given.map((unit, place) => {
            const old = before[place];
            const state = { ...this.blank(), enabled: true, ...unit, type: "All", preview: old?.preview ?? false };
            if (state.image || !old) return state;
            return { ...state, image: old.image, mask: old.mask, images: old.images, batch_folder: old.batch_folder, mask_folder: old.mask_folder };
        });
    }

    /** What is wrong with the units that are on, a sentence each. */
    get problems() {
        return this.views.filter((view) => view.state.enabled).flatMap((view) => view.problems);
    }

    get place() {
        return `easel-controlnet-${this.tab}`;
    }

    /** @returns {State[]} all units as they were kept */
    kept() {
        const text = sessionStorage.getItem(this.place) ?? localStorage.getItem(this.place);
        const states = text ? JSON.parse(text) : [];
        return states.map((/** @type {any} */ state) => ({ ...this.blank(), ...state }));
    }

    keep() {
        const text = JSON.stringify(this.views.map((view) => view.state));
        sessionStorage.setItem(this.place, text);
        localStorage.setItem(this.place, text);
    }

    /** @param {State[]} states */
    show(states) {
        const { shown = 3, most = 10 } = this.field;
        const all = states.slice(0, most);
        while (all.length < Math.max(1, shown)) all.push({ ...this.blank(), enabled: !all.length });
        this.views = all.map((state, place) => this.view(state, place));
        this.at = Math.min(this.at, this.views.length - 1);
        const on = this.views.findIndex((view) => view.state.enabled);
        if (on >= 0 && !this.views[this.at].state.enabled) this.at = on;
        this.build();
    }

    /** @param {State} state @param {number} place */
    view(state, place) {
        return new UnitView({ tab: this.tab, number: place, state, fields: this.field.fields, models: this.lists.controlnet ?? [],
            changed: () => this.changed() });
    }

    build() {
        this.tabs = element("div", { class: "cn-tabs", role: "tablist", "aria-label": "Units",
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.arrows(event) });
        this.add = tool("cn-add", "Add a unit", () => this.grow(), { class: "tool icon-cn-add cn-add" });
        this.body = element("div", { role: "tabpanel", id: this.id_of("panel") });
        this.replaceChildren(element("div", { class: "cn-head" }, this.tabs, this.add), this.body);
        this.turn(this.at);
    }

    /** @param {string} part */
    id_of(part) {
        return `${this.tab}_controlnet_${part}`;
    }

    grow() {
        this.views.push(this.view(this.blank(), this.views.length));
        this.turn(this.views.length - 1);
        this.tabs?.lastElementChild?.focus();
        this.keep();
    }

    /** Show a unit. @param {number} place */
    turn(place) {
        this.at = place;
        this.body?.replaceChildren(this.views[place].element);
        this.draw();
    }

    /** The tabs with their marks. */
    draw() {
        const focused = this.tabs.contains(document.activeElement);
        this.tabs.replaceChildren(...this.views.map((view, place) => this.tabOf(view.state, place)));
        this.body.setAttribute("aria-labelledby", this.id_of(`tab_${this.at}`));
        this.add.disabled = this.views.length >= (this.field.most ?? 10);
        if (focused) this.tabs.children[this.at]?.focus();
    }

    /** @param {State} state @param {number} place */
    tabOf(state, place) {
        const chosen = place === this.at;
        const what = state.enabled && element("small", { translate: false }, state.module === "none" ? state.model : state.module);
        return element("button", { type: "button", class: `plain cn-tab${state.enabled ? " on" : ""}`, role: "tab", id: this.id_of(`tab_${place}`),
            "aria-selected": String(chosen), "aria-controls": this.id_of("panel"), tabIndex: chosen ? 0 : -1,
            title: state.enabled ? "This unit is on" : "This unit is off", onclick: () => this.turn(place) },
        element("span", {}, `Unit ${place}`), what);
    }

    /** @param {KeyboardEvent} event */
    arrows(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        this.turn((this.at + step + this.views.length) % this.views.length);
        this.tabs.children[this.at].focus();
    }

    changed() {
        this.draw();
        this.keep();
        this.dispatchEvent(new Event("change", { bubbles: true }));
    }
}

/** @param {State[]} states @returns {any[]} up to the last one that is on */
function asked(states) {
    const last = states.findLastIndex((state) => state.enabled);
    return states.slice(0, last + 1).map(sent);
}

/** A unit as a request has it. @param {State} state */
function sent(state) {
    if (!state.enabled) return { enabled: false };
    return Object.fromEntries(Object.entries(state).filter(([name]) => !OWN.includes(name)));
}

define("controlnet-panel", ControlNetPanel);
