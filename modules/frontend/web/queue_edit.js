// @ts-check
// Changing a job that waits, in its line of the queue. It is held back meanwhile: it neither begins nor gets lost.
import { element, tool } from "./dom.js";
import { changes, find } from "./jobs.js";
import { editInForm } from "./editing.js";
import { call } from "./server.js";

/** @typedef {import("./jobs.js").Job} Job */

/** Names of a request's numbers, their words, least and greatest. @type {[string, string, number, number, number][]} */
const NUMBERS = [
    ["steps", "Sampling steps", 1, 150, 1],
    ["guidance", "CFG Scale", 0, 100, 0.5],
    ["width", "Width", 64, 4096, 8],
    ["height", "Height", 64, 4096, 8],
    ["batch_count", "Batch count", 1, 100, 1],
    ["batch_size", "Batch size", 1, 16, 1],
];

/** @param {HTMLElement} row */
export const isEdited = (row) => row.querySelector(".editor") !== null;

/** Open the fields under a line. @param {HTMLElement} row @param {Job} job */
export async function edit(row, job) {
    const place = element("form", { class: "editor", noValidate: true, "aria-label": "Change this job" }, element("p",
        { class: "quiet" }, "Fetching what it is asked"));
    row.append(place);
    const address = `webui/jobs/${encodeURIComponent(job.id)}`;
    const held = await call(`${address}/hold`, { method: "POST" });
    const whole = held && (await call(address));
    if (!whole) return place.remove();
    expand(row, true);
    const fields = new Fields(whole.request);
    const leave = (/** @type {boolean} */ letGo) => {
        changes.removeEventListener("change", watch);
        place.remove();
        expand(row, false);
        if (letGo && find(job.id)?.held) call(`${address}/let_go`, { method: "POST" });
        /** @type {HTMLElement | null} */ (row.querySelector("button.edit"))?.focus();
    };
    const watch = () => !find(job.id)?.held && leave(false); // another tab let it run, or took it out
    const save = async () => (await call(`${address}/edit`, { json: { changes: fields.changes() } })) && leave(false);
    place.replaceChildren(...fields.elements, element("div", { class: "toolbar" },
        element("button", { type: "submit", class: "primary" }, "Save"),
        element("button", { type: "button", onclick: () => leave(true) }, "Leave it as it was"),
        element("span", { class: "grow" }),
        element("button", { type: "button", onclick: () => (leave(false), editInForm(job)) }, "Open it in the form")));
    place.onsubmit = (/** @type {Event} */ event) => (event.preventDefault(), save());
    place.onkeydown = (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
        else if (event.key === "Escape") leave(true);
        else return;
        event.preventDefault();
        event.stopPropagation();
    };
    fields.prompt.focus();
    setTimeout(() => changes.addEventListener("change", watch), 1000); // once the word that it is held has come round
}

/** @param {HTMLElement} row @param {boolean} open */
function expand(row, open) {
    row.querySelector("button.edit")?.setAttribute("aria-expanded", String(open));
}

/** The fields of a request. */
class Fields {
    /** @param {any} request */
    constructor(request) {
        this.request = request;
        this.prompt = area(request.prompt);
        this.negative = area(request.negative_prompt);
        this.seed = element("input", { type: "text", inputMode: "numeric", autocomplete: "off", value: String(request.seed) });
        const values = { ...request, width: request.size[0], height: request.size[1] };
        /** @type {Map<string, HTMLInputElement>} */
        this.numbers = new Map(NUMBERS.map(([name, , min, max, step]) => [name, element("input", { type: "number", min, max, step,
            value: String(values[name]) })]));
        const dice = tool("dice", "A new seed for each picture", () => (this.seed.value = "-1"));
        this.elements = [
            labelled("Prompt", this.prompt, "wide"),
            labelled("Negative prompt", this.negative, "wide"),
            ...NUMBERS.map(([name, words]) => labelled(words, /** @type {HTMLElement} */ (this.numbers.get(name)))),
            element("div", { class: "seed" }, labelled("Seed", this.seed), dice),
        ];
    }

    /** What is different from the request. A number that is none goes as it was typed: the program says what is wrong with it. */
    changes() {
        /** @type {Record<string, unknown>} */
        const values = { prompt: this.prompt.value, negative_prompt: this.negative.value };
        for (const [name, field] of this.numbers) values[name] = field.value === "" ? "" : Number(field.value);
        const { width, height, ...others } = values;
        const seed = this.seed.value.trim();
        const all = { ...others, size: [width, height] };
        const changed = Object.entries(all).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(this.request[name]));
        return { ...Object.fromEntries(changed), ...(seed === String(this.request.seed) ? {} : { seed }) };
    }
}

/** @param {string} words @param {HTMLElement} field @param {string} [more] */
const labelled = (words, field, more = "") => element("label", { class: more }, element("span", {}, words), field);

/** @param {string} value */
const area = (value) => element("textarea", { value, rows: 2, spellcheck: false });
