// @ts-check
// One control for each kind of declared option: its elements, its value as JSON, and what is wrong with it in a sentence.
import { element } from "./dom.js";
import { Chips } from "./options_chips.js";
import { Combobox } from "./options_combobox.js";
import { units } from "./options_units.js";
import "./picture_field.js";

/**
 * @typedef {object} Field what modules/contract/schema.py says about an option
 * @property {string} name
 * @property {string} key
 * @property {string} label
 * @property {string} help
 * @property {string} control
 * @property {any} value the default
 * @property {boolean} [local]
 * @property {number | null} [least]
 * @property {number | null} [most]
 * @property {number | null} [step]
 * @property {boolean} [whole]
 * @property {string[]} [choices]
 * @property {Record<string, string>} [described] what stands beside a choice in a long list, and is searched as well
 * @property {string} [kind]
 * @property {{on: string, unless?: string, choices: Record<string, string[] | string>}} [depends]
 * @property {string} [mask] the field that holds what is drawn over this picture
 * @property {Field[]} [fields] of each unit
 * @property {number} [shown] units at first
 */
/**
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {HTMLElement} [beside] what stands in the line of the label
 * @property {HTMLElement} [input] what the label is for; without one the control is a group that the label names
 * @property {() => any} read
 * @property {(value: any) => void} write
 * @property {() => string} [problem]
 * @property {(choices: string[]) => void} [offer]
 * @property {(flag: boolean) => void} disable
 * @property {() => any} [asked] what a request is to have, where that is not all of the value
 * @property {() => string[]} [problems] what is wrong inside of it, said there
 * @property {(value: any) => boolean} [is] whether it holds as much as a value
 * @property {(lists: Record<string, string[]>) => void} [lists] takes the models by kind
 * @property {{read: () => any, write: (value: any) => void}} [over] the value of the mask over it
 */
/**
 * @typedef {object} Around what a control may need of the form around it
 * @property {Record<string, string[]>} lists the models by kind
 * @property {(kind: string) => Promise<string[] | undefined>} [refresh]
 */

const LONG = 12; // choices that still stand in a plain list
const FEW = 8; // choices of which several are taken by check boxes

/** @param {Field} field @param {string} id of the input @param {(event?: Event) => void} changed @param {Around} around @returns {Control} */
export function controlFor(field, id, changed, around) {
    switch (field.control) {
        case "slider": return slider(field, id, changed);
        case "number": return number(field, id, changed);
        case "toggle": return toggle(field, id, changed);
        case "lines": return text(field, id, changed, "textarea");
        case "choice": return (field.choices?.length ?? 0) > LONG ? combobox(field, id, changed) : select(field, id, changed);
        case "choices": return (field.choices?.length ?? 0) > FEW ? chips(field, id, changed) : boxes(field, id, changed);
        case "names": return chips(field, id, changed);
        case "color": return color(field, id, changed);
        case "model": return combobox(field, id, changed);
        case "image": return picture(field, id, changed);
        case "units": return units(field, id, changed, around);
        default: return text(field, id, changed, "input");
    }
}

/** A number as it was typed: a text that is none stays a text. @param {HTMLInputElement} input */
const typed = (input) => (input.value.trim() === "" || Number.isNaN(Number(input.value)) ? input.value : Number(input.value));

/** @param {Field} field @param {HTMLInputElement} input */
function wrongNumber(field, input) {
    const { label, least, most, whole } = field;
    const given = typed(input);
    if (typeof given !== "number" || input.validity.badInput) return `${label} is not a number.`;
    if (whole && !Number.isInteger(given)) return `${label} is ${given}; it must be a whole number.`;
    const low = least ?? -Infinity;
    const high = most ?? Infinity;
    if (given >= low && given <= high) return "";
    const wanted = least == null ? `at most ${most}` : most == null ? `at least ${least}` : `between ${least} and ${most}`;
    return `${label} is ${given}; it must be ${wanted}.`;
}

/** @param {Field} field @param {string} id @param {() => void} changed */
function numberBox(field, id, changed) {
    const { least, most, step } = field;
    return element("input", { type: "number", id, autocomplete: "off", min: least ?? undefined, max: most ?? undefined, step: step ?? "any",
        inputMode: field.whole && (least ?? -1) >= 0 ? "numeric" : "decimal", oninput: changed });
}

/** @param {Field} field @param {string} id @param {() => void} changed @returns {Control} */
function slider(field, id, changed) {
    const { least, most } = /** @type {{least: number, most: number}} */ (field);
    const box = numberBox(field, id, () => {
        range.value = box.value;
        fill();
        changed();
    });
    const range = element("input", { type: "range", min: least, max: most, step: field.step ?? "any", "aria-label": field.label,
        oninput: () => {
            box.value = range.value;
            fill();
            changed();
        } });
    const fill = () => range.style.setProperty("--filled", `${(100 * (Number(range.value) - least)) / (most - least || 1)}%`);
    return {
        element: range, beside: box, input: box, read: () => typed(box), problem: () => wrongNumber(field, box),
        write: (value) => {
            box.value = range.value = String(value);
            fill();
        },
        disable: (flag) => void (box.disabled = range.disabled = flag),
    };
}

/** @param {Field} field @param {string} id @param {() => void} changed @returns {Control} */
function number(field, id, changed) {
    const box = numberBox(field, id, changed);
    return { element: box, input: box, read: () => typed(box), write: (value) => void (box.value = String(value)),
        problem: () => wrongNumber(field, box), disable: (flag) => void (box.disabled = flag) };
}

/** @param {Field} field @param {string} id @param {() => void} changed @returns {Control} */
function toggle(field, id, changed) {
    const box = element("input", { type: "checkbox", id, onchange: changed });
    return { element: box, input: box, read: () => box.checked, write: (value) => void (box.checked = Boolean(value)),
        disable: (flag) => void (box.disabled = flag) };
}

/** @param {Field} field @param {string} id @param {() => void} changed @param {"input" | "textarea"} tag @returns {Control} */
function text(field, id, changed, tag) {
    const look = tag === "textarea" ? { rows: 4 } : { type: "text" };
    const box = element(tag, { id, ...look, spellcheck: false, autocomplete: "off", translate: false, oninput: changed });
    const disable = (/** @type {boolean} */ flag) => void (box.disabled = flag);
    const write = (/** @type {any} */ value) => void (box.value = String(value ?? ""));
    const made = { element: box, input: box, read: () => box.value, write, disable };
    return tag === "textarea" ? { ...made, beside: opener(box, changed) } : made;
}

/**
 * A button that reads a text file into a field; a file that is dropped on the field is read as well.
 * @param {any} box
 * @param {() => void} changed
 */
function opener(box, changed) {
    const read = async (/** @type {File | undefined} */ file) => {
        if (!file) return;
        box.value = await file.text();
        changed();
    };
    const input = element("input", { type: "file", accept: "text/plain,.txt", hidden: true, onchange: () => read(input.files[0]) });
    box.addEventListener("dragover", (/** @type {DragEvent} */ event) => event.preventDefault());
    box.addEventListener("drop", (/** @type {DragEvent} */ event) => {
        if (!event.dataTransfer?.files.length) return;
        event.preventDefault();
        read(event.dataTransfer.files[0]);
    });
    const button = element("button", { type: "button", class: "small", onclick: () => input.click() }, "Load a text file");
    return element("span", {}, input, button);
}

/** @param {Field} field @param {string} id @param {() => void} changed @returns {Control} */
function select(field, id, changed) {
    const box = element("select", { id, onchange: changed });
    let choices = field.choices ?? [];
    const draw = (/** @type {string} */ value) => {
        const all = choices.includes(value) ? choices : [value, ...choices];
        box.replaceChildren(...all.map((choice) => element("option", { value: choice, selected: choice === value }, choice)));
    };
    return {
        element: box, input: box, read: () => box.value, write: draw, disable: (flag) => void (box.disabled = flag),
        problem: () => (choices.includes(box.value) || !choices.length ? ""
            : `${field.label} is '${box.value}', which is not among its choices.`),
        offer: (list) => {
            choices = list;
            draw(box.value);
        },
    };
}

/** @param {Field} field @param {string} id @param {() => void} changed @returns {Control} */
function combobox(field, id, changed) {
    const box = new Combobox({ choices: field.choices ?? [], described: field.described, placeholder: "None chosen" });
    box.input.id = id;
    box.addEventListener("change", () => changed());
    return {
        element: box.element, input: box.input, read: () => box.value, write: (value) => void (box.value = String(value ?? "")),
        offer: (list) => void (box.choices = list), disable: (flag) => void (box.input.disabled = flag),
    };
}

/** @param {Field} field @param {string} id @param {() => void} changed @returns {Control} */
function chips(field, id, changed) {
    const list = new Chips({ label: field.label, choices: field.choices ?? [], described: field.described });
    list.input.id = id;
    list.addEventListener("change", () => changed());
    return {
        element: list.element, input: list.input, read: () => list.value, write: (value) => void (list.value = value ?? []),
        offer: (choices) => list.offer(choices),
        disable: (flag) => {
            list.input.disabled = flag;
            list.draw();
        },
    };
}

/** Few choices of which several may be taken. @param {Field} field @param {string} id @param {() => void} changed @returns {Control} */
function boxes(field, id, changed) {
    const group = element("div", { class: "boxes", role: "group", id });
    const ticks = () => /** @type {HTMLInputElement[]} */ ([...group.querySelectorAll("input")]);
    const draw = (/** @type {string[]} */ choices, /** @type {string[]} */ chosen) =>
        group.replaceChildren(...choices.map((choice) => element("label", {},
            element("input", { type: "checkbox", value: choice, checked: chosen.includes(choice), onchange: changed }), choice)));
    const read = () => ticks().filter((tick) => tick.checked).map((tick) => tick.value);
    draw(field.choices ?? [], []);
    return {
        element: group, read, offer: (list) => draw(list, read()),
        write: (value) => ticks().forEach((tick) => (tick.checked = (value ?? []).includes(tick.value))),
        disable: (flag) => ticks().forEach((tick) => (tick.disabled = flag)),
    };
}

/** @param {Field} field @param {string} id @param {() => void} changed @returns {Control} */
function color(field, id, changed) {
    const box = element("input", { type: "text", id, maxLength: 7, autocomplete: "off", spellcheck: false, translate: false,
        oninput: () => {
            if (valid()) picker.value = box.value;
            changed();
        } });
    const picker = element("input", { type: "color", "aria-label": field.label,
        oninput: () => {
            box.value = picker.value;
            changed();
        } });
    const valid = () => /^#[0-9a-fA-F]{6}$/.test(box.value);
    return {
        element: element("div", { class: "color" }, picker, box), input: box, read: () => box.value,
        write: (value) => {
            box.value = String(value);
            if (valid()) picker.value = box.value;
        },
        problem: () => (valid() ? "" : `${field.label} is '${box.value}'; a colour is written as #rrggbb.`),
        disable: (flag) => void (box.disabled = picker.disabled = flag),
    };
}

/** @param {Field} field @param {string} id @param {() => void} changed @returns {Control} */
function picture(field, id, changed) {
    const place = element("webui-picture-field", { id, maskable: Boolean(field.mask), onchange: (/** @type {Event} */ event) => {
        event.stopPropagation();
        changed();
    } });
    return {
        element: place, read: () => place.value, write: (value) => void (place.value = value),
        over: { read: () => place.mask, write: (value) => void (place.mask = value) },
        disable: (flag) => {
            place.disabled = flag;
            place.draw();
        },
    };
}
