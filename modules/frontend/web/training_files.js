// @ts-check
// The files that a training has written on its way: the best, which of them prompts can name, and what each strength of one does.
import { element } from "./dom.js";
import { toggleWords, showTab } from "./actions.js";
import { file, publish, stemOf } from "./training_data.js";
import { Sweep } from "./training_sweep.js";
import { own, table } from "./training_table.js";
import { ENDED, sizeOf } from "./training_words.js";

/** @typedef {import("./training_data.js").Opened} Opened */
/** @typedef {import("./training_data.js").RunFile} RunFile */

const NEWEST = 5; // files that are listed at first, beside the best and those that are published

export class Files {
    all = false;
    /** What was drawn last. */
    key = "";
    /** @type {number | null} the best step */
    marked = null;

    /** @param {string} id of the training @param {() => Promise<void>} changed */
    constructor(id, changed) {
        this.id = id;
        this.changed = changed;
        this.table = element("div", { class: "training-table" });
        this.said = element("p", { class: "quiet", role: "status" });
        this.sweep = element("div", {});
        this.element = element("section", { class: "training-files", hidden: true }, element("h2", {}, "Files"), this.said, this.table,
            this.sweep);
    }

    /** @param {number | null} step */
    best(step) {
        if (step === this.marked) return;
        this.marked = step;
        this.draw();
    }

    /** @param {Opened} run */
    take(run) {
        this.run = run;
        this.draw();
    }

    draw() {
        const { run } = this;
        if (!run) return;
        const key = JSON.stringify([run.files, run.status.state, this.marked]);
        if (key === this.key) return;
        this.key = key;
        this.element.hidden = !run.files.length;
        const list = [...run.files].sort((one, other) => other.step - one.step);
        const shown = this.all ? list : list.filter((one, place) => place < NEWEST || one.best || one.published
            || one.step === this.marked);
        const more = shown.length < list.length && element("button", { type: "button", onclick: () => {
            [this.all, this.key] = [true, ""];
            this.draw();
        } }, `Show all ${list.length} files`);
        this.table.replaceChildren(table(["Step", "Size", "In prompts", ""], shown.map((one) => this.row(one, run))),
            ...(more ? [more] : []));
    }

    /** @param {RunFile} one @param {Opened} run */
    row(one, run) {
        const { step, size, best, published } = one;
        const marked = best || step === this.marked;
        const use = published ? "Use in txt2img" : "Publish and use";
        return [
            [String(step), marked && element("b", { class: "training-best", title: "The lowest loss on held-out pictures" }, "Best")],
            sizeOf(size), published ? own(published) : element("span", { class: "quiet" }, "not yet"),
            element("div", { class: "toolbar" },
                element("button", { type: "button", onclick: (/** @type {any} */ event) => this.use(one, event.target) }, use),
                run.makes !== "checkpoint" && element("button", { type: "button", onclick: () => this.strengths(one) }, "Strengths"),
                element("a", { class: "training-link", href: file(this.id, step), download: "" }, "Download")),
        ];
    }

    /**
     * Have it stand where prompts find it: under the training's own name where no other step has that, else under its step's.
     * @param {RunFile} one
     * @returns {Promise<{name: string, prompt: string, checkpoint: string} | undefined>}
     */
    async published({ step, published }) {
        const { makes, name, files, status } = /** @type {Opened} */ (this.run);
        const full = makes === "checkpoint";
        if (published) {
            return { name: published, prompt: makes === "lora" ? `<lora:${published}:1>` : full ? "" : published, checkpoint: full
                ? published : "" };
        }
        const taken = !ENDED.includes(status.state) || files.some((other) => other.published === name);
        const done = await publish(this.id, step, taken ? stemOf(name, step) : name);
        if (done) await this.changed();
        return done;
    }

    /** Put what calls it into the prompt of txt2img. @param {RunFile} one @param {HTMLButtonElement} button */
    async use(one, button) {
        button.disabled = true;
        const done = await this.published(one);
        button.disabled = false;
        if (!done) return;
        this.said.textContent = `Published as ${done.name}.`;
        if (done.checkpoint) return document.dispatchEvent(new CustomEvent("webui-choose-checkpoint", { detail: done.checkpoint }));
        showTab("txt2img");
        scrollTo(0, 0);
        const trigger = this.run?.makes === "lora" ? this.run.trigger : "";
        toggleWords([trigger, done.prompt].filter(Boolean).join(" "), { tab: "txt2img", same: () => undefined });
    }

    /** @param {RunFile} one */
    async strengths(one) {
        const done = await this.published(one);
        if (!done || !this.run) return;
        this.sweep.replaceChildren(new Sweep(this.run, one.step, done, () => this.sweep.replaceChildren()).element);
        this.sweep.scrollIntoView({ block: "nearest" });
    }
}
