// @ts-check
// The samples of a training: a row for each prompt, a column for each step, the checkpoint alone first. Any two are laid over each other.
import { sendInfotext, showTab } from "./actions.js";
import { element, tool } from "./dom.js";
import { copyMark } from "./training_copies.js";
import { publish, sample, stemOf } from "./training_data.js";
import { own, table } from "./training_table.js";

/** @typedef {import("./training_data.js").Sample} Sample */
/** @typedef {import("./training_data.js").Opened} Opened */

/** What a step is called. @param {number} step */
const stepName = (step) => (step ? `Step ${step}` : "Before training");

export class Samples {
    /** @type {Sample[]} */
    list = [];
    key = "";
    /** @type {number | null} the best step */
    marked = null;

    /** @param {string} id of the training @param {any} owner the <webui-training> */
    constructor(id, owner) {
        this.id = id;
        this.owner = owner;
        this.grid = element("div", { class: "training-grid", tabIndex: 0, role: "group", "aria-label": "Samples" });
        this.element = element("section", { class: "training-samples", hidden: true }, element("h2", {}, "Samples"),
            element("p", { class: "quiet" }, "The same prompts and seeds after more and more steps. Click on one to lay it over another."),
                this.grid);
    }

    /** @param {Opened} run */
    take(run) {
        this.run = run;
        this.list = run.samples;
        this.draw();
    }

    /** Mark the best step. @param {number | null} step @returns {number | null} that step */
    best(step) {
        if (step !== this.marked) {
            this.marked = step;
            this.draw();
        }
        return step;
    }

    get steps() {
        return [...new Set(this.list.map(({ step }) => step))].sort((one, other) => one - other);
    }

    get prompts() {
        return [...new Map(this.list.map(({ prompt, text }) => [prompt, text]))].sort(([one], [other]) => one - other);
    }

    draw() {
        const key = JSON.stringify([this.list.map(({ file }) => file), this.marked]);
        if (key === this.key) return;
        this.key = key;
        const { steps, prompts } = this;
        this.element.hidden = !steps.length;
        const atEnd = this.grid.scrollWidth - this.grid.scrollLeft - this.grid.clientWidth < 30;
        const head = (/** @type {number} */ step) => [element("span", {}, stepName(step)),
            step === this.marked && element("b", { title: "The lowest loss on held-out pictures" }, "Best")];
        this.grid.replaceChildren(table(["Prompt", ...steps.map(head)],
            prompts.map(([prompt, text]) => [own(text || "—"), ...steps.map((step) => this.cell(step, prompt, text))])));
        if (atEnd) this.grid.scrollLeft = this.grid.scrollWidth;
    }

    /** @param {number} step @param {number} prompt @param {string} text */
    cell(step, prompt, text) {
        const found = this.find(step, prompt);
        return found && element("div", { class: "training-cell" }, element("button", {
            type: "button", class: "plain", "aria-label": `${stepName(step)}: ${text}`, translate: "no",
                onclick: () => this.open(prompt, step),
        }, element("img", { alt: "", loading: "lazy", decoding: "async", src: sample(this.id, found.file, true) })),
        copyMark(this.id, found, stepName(step)));
    }

    /** @param {number} step @param {number} prompt @returns {Sample | undefined} the newest of that step */
    find(step, prompt) {
        return this.list.filter((each) => each.step === step && each.prompt === prompt).pop();
    }

    /** Two steps of a prompt over each other. @param {number} prompt @param {number} step */
    open(prompt, step) {
        const left = this.steps.find((each) => each !== step && this.find(each, prompt)) ?? step;
        new Over(this, prompt, left, step);
    }
}

/** Two pictures over each other, and what can be done with the one on top. */
class Over {
    /** @param {Samples} samples @param {number} prompt @param {number} left @param {number} right steps */
    constructor(samples, prompt, left, right) {
        this.samples = samples;
        const choice = (/** @type {string} */ name, /** @type {number} */ value) =>
            element("select", { "aria-label": name, onchange: () => this.draw() },
            ...samples.steps.map((step) => element("option", { value: step, selected: step === value }, stepName(step))));
        this.left = choice("Left", left);
        this.right = choice("Right", right);
        this.prompt = element("select", { class: "grow", "aria-label": "Prompt", translate: "no", onchange: () => this.draw() },
            ...samples.prompts.map(([number, text]) => element("option", { value: number, selected: number === prompt }, text || "—")));
        this.stage = element("div", { class: "training-over" });
        this.range = element("input", { type: "range", min: 0, max: 1000, value: 500, "aria-label": "How much of the left picture shows",
            oninput: () => this.cut() });
        this.facts = element("p", { class: "quiet training-over-facts", translate: "no" });
        const close = tool("training-close", "Close (Esc)", () => this.dialog.close());
        this.again = element("button", { type: "button", class: "primary", onclick: () => this.reproduce() }, "Reproduce in txt2img");
        this.dialog = element("dialog", { class: "webui training-dialog training-over-dialog", "aria-label": "Samples over each other",
            onclose: () => this.dialog.remove() },
            element("div", { class: "toolbar" }, this.prompt, close), this.stage, this.range,
            element("div", { class: "toolbar" }, this.left, element("span", { class: "grow" }), this.right),
            this.facts, element("div", { class: "toolbar" }, this.again,
                this.saving = element("a", { class: "training-link", download: "" }, "Download the right one")));
        document.body.append(this.dialog);
        this.dialog.showModal();
        this.draw();
        this.range.focus();
    }

    draw() {
        const prompt = Number(this.prompt.value);
        const [left, right] = [this.left, this.right].map((select) => this.samples.find(Number(select.value), prompt));
        const picture = (/** @type {Sample | undefined} */ one) => element("img", { alt: one ? stepName(one.step) : "", draggable: false,
            src: one && sample(this.samples.id, one.file) });
        this.over = picture(left);
        this.edge = element("div", { class: "training-edge" });
        this.stage.replaceChildren(picture(right), this.over, this.edge);
        this.shown = right;
        this.facts.textContent = right?.infotext ?? "";
        this.again.disabled = !right?.infotext;
        if (right) this.saving.href = sample(this.samples.id, right.file);
        this.cut();
    }

    cut() {
        const share = Number(this.range.value) / 10;
        this.over.style.clipPath = `inset(0 ${100 - share}% 0 0)`;
        this.edge.style.left = `${share}%`;
    }

    /** The sample's file is put where prompts find it, and its settings into txt2img. */
    async reproduce() {
        const { shown, samples } = this;
        if (!shown) return;
        const { name = "", files = [] } = samples.run ?? {};
        const file = files.find(({ step }) => step === shown.step);
        const stem = stemOf(name, shown.step);
        this.again.disabled = true;
        const there = !file || file.published === stem || (await publish(samples.id, shown.step, stem));
        this.again.disabled = false;
        if (!there) return;
        this.dialog.close();
        showTab("txt2img");
        sendInfotext(shown.infotext, "txt2img");
        scrollTo(0, 0);
    }
}
