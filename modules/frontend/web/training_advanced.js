// @ts-check
// Everything that a training may be asked, in groups: drawn from what the program declares, searched, and with what was decided of itself.
import { afterwards, element } from "./dom.js";
import { OptionsForm } from "./options.js";
import { written } from "./training_words.js";

/** @typedef {import("./training_data.js").Group} Group */
/** @typedef {import("./options_controls.js").Field} Field */

/** What stands in the form above these. @type {Record<string, string[]>} */
const ELSEWHERE = { data: ["folders"] };

export class Advanced {
    /** @type {Map<string, {group: Group, form: OptionsForm, element: HTMLDetailsElement, count: HTMLElement}>} */
    groups = new Map();

    /** @param {Group[]} groups @param {Record<string, string[]>} lists @param {(path: string) => void} changed */
    constructor(groups, lists, changed) {
        for (const group of groups) this.add(group, lists, changed);
        this.none = element("p", { class: "quiet", hidden: true }, "No setting is called that.");
        this.search = element("input", { type: "search", placeholder: "Find a setting", "aria-label": "Find a setting",
            oninput: afterwards(() => this.find(), 120) });
        this.element = element("details", { class: "training-advanced panel" },
            element("summary", {}, element("strong", {}, "Advanced"), " ",
                element("small", {}, "everything that can be set; what is 0 or empty is decided from your pictures")),
            element("div", { class: "training-groups" }, this.search, this.none, ...[...this.groups.values()].map((each) => each.element)));
    }

    /** @param {Group} group @param {Record<string, string[]>} lists @param {(path: string) => void} changed */
    add(group, lists, changed) {
        const fields = group.fields.filter(({ name }) => !ELSEWHERE[group.name]?.includes(name))
            .map((field) => (field.control === "text" && lists[field.name] ? { ...field, control: "choice", choices: lists[field.name] }
                : field));
        const form = new OptionsForm(fields, { lists, id: ({ name }) => `training_${group.name}_${name}` });
        const count = element("small", { class: "training-count" });
        form.onchange = (name) => {
            this.counted(group.name);
            changed(`${group.name}.${name}`);
        };
        const made = element("details", { dataset: { group: group.name } }, element("summary", {}, element("span", {}, group.title), " ",
            count),
            group.help && element("p", { class: "help" }, group.help), form.element);
        this.groups.set(group.name, { group, form, element: made, count });
    }

    /** The values by group. @returns {Record<string, any>} */
    get values() {
        return Object.fromEntries([...this.groups].map(([name, { form }]) => [name, form.values]));
    }

    /** Those that are named are set. @param {Record<string, any>} values by group */
    put(values) {
        for (const [name, { form }] of this.groups) {
            if (values[name]) form.values = values[name];
            this.counted(name);
        }
    }

    /** @param {Record<string, string[]>} lists the models by kind */
    renew(lists) {
        for (const { form } of this.groups.values()) form.setLists(lists);
    }

    /** What is wrong, a sentence each. */
    get problems() {
        return [...this.groups.values()].filter((each) => !each.element.hidden).flatMap(({ form }) => form.problems);
    }

    /** Only these groups have a meaning for the method. @param {(group: string) => boolean} fits */
    fit(fits) {
        for (const [name, each] of this.groups) each.element.hidden = !fits(name);
    }

    /**
     * Say below each field what was decided where it says "decide".
     * @param {any} request as decided
     * @param {Record<string, string>} reasons
     */
    decide(request, reasons) {
        for (const [name, { form }] of this.groups) {
            for (const [field, row] of form.rows) {
                const reason = reasons[`${name}.${field}`];
                let place = /** @type {any} */ (row.element.querySelector(".training-decided"));
                if (!reason && !place) continue;
                place ??= row.element.appendChild(element("p", { class: "training-decided" }));
                place.replaceChildren(...(reason ? [element("b", { translate: "no" }, written(request[name]?.[field])), " ",
                    element("span", {}, reason)] : []));
            }
        }
    }

    /** How many settings of a group are not as they were. @param {string} name */
    counted(name) {
        const { form, count } = /** @type {any} */ (this.groups.get(name));
        const changed = form.changed.length;
        count.textContent = changed ? `${changed} changed` : "";
    }

    /** Show the fields that have the words in their name or explanation. */
    find() {
        const words = String(this.search.value).toLowerCase().split(/\s+/).filter(Boolean);
        let found = 0;
        for (const { group, form, element: place } of this.groups.values()) {
            let here = 0;
            for (const { field, element: row } of form.rows.values()) {
                const text = `${group.title} ${field.label} ${field.help}`.toLowerCase();
                const fits = words.every((word) => text.includes(word));
                row.classList.toggle("training-unfound", !fits);
                if (fits) here++;
            }
            place.classList.toggle("training-unfound", !here);
            if (words.length) place.open = here > 0;
            found += here;
        }
        this.none.hidden = found > 0;
    }
}
