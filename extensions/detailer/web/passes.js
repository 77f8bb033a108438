// @ts-check
// The passes of the detailer, a tab each. What one has is set in groups; those that are seldom needed are folded, and say what was changed.
import { element, OptionsForm, tool } from "easel/extension.js";

/** @typedef {{name: string, label: string, value: any, choices?: string[]}} Field */
/** @typedef {{name: string, open?: boolean, fields: string[]}} Group */
/** @typedef {{group: Group, form: any, mark: HTMLElement | null}} Part */
/** @typedef {{element: HTMLElement, parts: Part[]}} Pass */
/** @typedef {{id: string, lists: Record<string, string[]>, changed: () => void}} Around */

/** @type {Group[]} */
const GROUPS = [
    { name: "", fields: ["enabled", "detector", "prompt", "negative_prompt"] },
    { name: "Detection", open: true, fields: ["confidence", "most", "method", "least_share", "largest_share", "classes"] },
    { name: "Mask", fields: ["x_offset", "y_offset", "dilate", "merge"] },
    { name: "Inpainting", open: true, fields: ["strength", "blur", "only_masked", "padding"] },
    { name: "Separate settings", fields: ["width", "height", "steps", "guidance", "checkpoint", "vae", "sampler", "schedule",
        "noise_multiplier", "clip_skip", "restore_faces"] },
    { name: "ControlNet", fields: ["control_model", "control_module", "control_weight", "control_start", "control_end"] },
];

export class Passes {
    /** @param {{label: string, most?: number, fields: Field[]}} field @param {Around} around */
    constructor(field, around) {
        this.field = field;
        this.around = around;
        this.fields = field.fields;
        this.most = field.most ?? 15;
        /** @type {Pass[]} */
        this.passes = [];
        this.at = 0;
        /** @type {Record<string, boolean>} which groups are unfolded, in all passes alike */
        this.unfolded = Object.fromEntries(GROUPS.map(({ name, open }) => [name, Boolean(open)]));
        this.tabs = element("div", { class: "detailer-tabs", role: "tablist", "aria-label": field.label,
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.arrows(event) });
        this.more = tool("add-unit", "Add a pass", () => this.grow());
        this.less = tool("remove-unit", "Remove this pass", () => this.remove());
        this.body = element("div", { role: "tabpanel", id: `${around.id}-panel` });
        this.element = element("div", { class: "detailer-passes", id: around.id },
            element("div", { class: "detailer-head" }, this.tabs, this.more, this.less), this.body);
    }

    /** A pass with some values. @param {Record<string, any>} values @param {number} number from 1 @returns {Pass} */
    made(values, number) {
        const parts = GROUPS.map((group) => {
            const fields = group.fields.flatMap((name) => this.fields.filter((field) => field.name === name));
            const given = Object.fromEntries(Object.entries(values).filter(([name]) => group.fields.includes(name)));
            const form = new OptionsForm(/** @type {any} */ (fields), { values: given, lists: this.around.lists,
                id: (/** @type {any} */ { name }) => `${this.around.id}_${number}_${name}` });
            const mark = group.name ? element("span", { class: "chip" }) : null;
            form.addEventListener("change", () => this.changed());
            return { group, form, mark };
        });
        return { parts, element: element("div", { class: "detailer-pass" }, ...parts.map((part) => this.drawn(part))) };
    }

    /** A group, folded or not. @param {Part} part @returns {HTMLElement} */
    drawn({ group, form, mark }) {
        form.element.classList.add("detailer-group");
        if (!group.name) return form.element;
        return element("details", { open: this.unfolded[group.name], ontoggle: (/** @type {any} */ event) => {
            this.unfolded[group.name] = event.target.open;
        } }, element("summary", {}, element("span", {}, group.name), mark), form.element);
    }

    changed() {
        this.draw();
        this.around.changed();
    }

    grow() {
        this.passes.push(this.made({}, this.passes.length + 1));
        this.show(this.passes.length - 1);
        this.tabs.lastElementChild?.focus();
        this.around.changed();
    }

    remove() {
        const kept = this.values.filter((_, place) => place !== this.at);
        this.at = Math.max(0, this.at - 1);
        this.values = kept;
        this.tabs.children[this.at]?.focus();
        this.around.changed();
    }

    /** @param {number} place */
    show(place) {
        this.at = place;
        const { parts, element: shown } = this.passes[place];
        for (const [number, { group }] of parts.entries()) if (group.name) shown.children[number].open = this.unfolded[group.name];
        this.body.replaceChildren(shown);
        this.draw();
    }

    /** The tabs and the marks of the groups. */
    draw() {
        const focused = this.tabs.contains(document.activeElement);
        this.tabs.replaceChildren(...this.values.map(({ enabled, detector }, place) => {
            const chosen = place === this.at;
            return element("button", { type: "button", class: `plain detailer-tab${enabled ? " on" : ""}`, role: "tab",
                id: `${this.around.id}-tab-${place + 1}`, "aria-selected": String(chosen), "aria-controls": `${this.around.id}-panel`,
                tabIndex: chosen ? 0 : -1, title: enabled ? "This pass is on" : "This pass is off", onclick: () => this.show(place) },
                element("span", {}, `Pass ${place + 1}`), element("small", { translate: false }, detector));
        }));
        this.body.setAttribute("aria-labelledby", `${this.around.id}-tab-${this.at + 1}`);
        this.more.disabled = this.passes.length >= this.most;
        this.less.hidden = this.passes.length < 2;
        for (const { form, mark } of this.passes[this.at].parts) {
            if (!mark) continue;
            const count = form.changed.length;
            mark.hidden = !count;
            mark.textContent = `${count} changed`;
        }
        if (focused) this.tabs.children[this.at]?.focus();
    }

    /** @param {KeyboardEvent} event */
    arrows(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        this.show((this.at + step + this.passes.length) % this.passes.length);
        this.tabs.children[this.at].focus();
    }

    /** What each pass holds, by the fields' names. @returns {Record<string, any>[]} */
    get values() {
        return this.passes.map(({ parts }) => Object.assign({}, ...parts.map(({ form }) => form.values)));
    }

    /** No pass at all stands for one as it is at first. @param {Record<string, any>[]} given */
    set values(given) {
        const wanted = given?.length ? given.slice(0, this.most) : [{}];
        this.passes = wanted.map((values, place) => this.made(values, place + 1));
        this.show(Math.min(this.at, this.passes.length - 1));
    }

    /** The detectors that there are; what a pass has stays chosen. @param {string[]} names */
    offer(names) {
        for (const { parts } of this.passes) parts[0].form.setChoices("detector", names);
        const field = this.fields.find(({ name }) => name === "detector");
        if (field) field.choices = names;
    }

    /** What is wrong with the values of passes that are on, a sentence each. @returns {string[]} */
    get problems() {
        return this.passes.filter((_, place) => this.values[place].enabled)
            .flatMap(({ parts }) => parts.flatMap(({ form }) => form.problems));
    }
}
