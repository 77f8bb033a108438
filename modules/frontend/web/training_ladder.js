// @ts-check
// What makes a training need less memory, as buttons: what each changes, what it costs, what it saves. What costs least stands first.
import { element } from "./dom.js";
import { climb, ladder } from "./training_data.js";
import { sizeOf } from "./training_words.js";

/** @typedef {import("./training_data.js").Run} Run */
/**
 * @typedef {{kind: string, changes: Record<string, Record<string, any>>, resumes: boolean, saves: number | null}} Rung `changes`: by the
 *   form's group, those of the request itself under ""; `saves`: bytes, null where that is not known
 */

/** What a rung is called, and what it costs. @type {Record<string, (changes: Record<string, Record<string, any>>) => [string, string]>} */
const WORDS = {
    precision: ({ steps }) => [`Compute in ${steps.precision}`, "Numbers are rounded more coarsely from then on."],
    latents: () => ["Keep the latents on the disk", "They take some room there; what is learned stays the same."],
    checkpointing: () => ["Gradient checkpointing", "A step takes about half as long again; what is learned stays the same."],
    batch: ({ steps }) => [`Batches of ${steps.batch}, ${steps.accumulation} for each step`,
        "A step takes a little longer; it sees as many pictures as before."],
    text: ({ parts }) => (parts.text_until ? ["Train the text encoders no further", "They stay as they are; only the U-Net goes on learning."]
        : ["Leave the text encoders as they are", "The U-Net alone learns what the words mean."]),
    resolution: ({ data }) => [`Resolution ${data.resolution}`, "Fine detail is learned less well."],
    optimizer: ({ optimizer }) => [`Optimizer ${optimizer.name}`, "It goes another way than AdamW, and may want more steps."],
    lora: () => ["Train a LoRA instead", "A small file on top of the checkpoint, which holds less than a whole one."],
    rank: ({ network }) => [`Rank ${network.rank}`, "The file is smaller, and holds less."],
};

/** What a rung is called. @param {{kind: string, changes: Record<string, Record<string, any>>}} rung */
const nameOf = ({ kind, changes }) => WORDS[kind]?.(changes)[0] ?? kind;

/**
 * The rungs as a list of buttons.
 * @param {Rung[]} rungs
 * @param {(rung: Rung) => Promise<unknown> | void} press
 * @param {(rung: Rung) => string} follows what happens when it is pressed
 */
export function rungList(rungs, press, follows) {
    const line = (/** @type {Rung} */ rung) => {
        const [name, cost] = WORDS[rung.kind]?.(rung.changes) ?? [rung.kind, ""];
        const button = element("button", { type: "button", dataset: { rung: rung.kind }, onclick: async () => {
            for (const other of list.querySelectorAll("button")) other.disabled = true;
            await press(rung);
            for (const other of list.querySelectorAll("button")) other.disabled = false;
        } }, name);
        return element("li", {}, button, element("div", {}, element("p", {}, cost),
            element("p", { class: "quiet" }, rung.saves ? element("span", {}, `Saves about ${sizeOf(rung.saves)}.`) : "",
                rung.saves ? " " : "", element("span", {}, follows(rung)))));
    };
    const list = element("ul", { class: "training-rungs" }, ...rungs.map(line));
    return list;
}

/** What stands on a training's page when it failed for want of memory. */
export class Ladder {
    key = "";

    /** @param {string} id of the training @param {any} owner the <webui-training> @param {() => Promise<unknown>} changed looks again */
    constructor(id, owner, changed) {
        this.id = id;
        this.owner = owner;
        this.changed = changed;
        this.element = element("section", { class: "training-ladder panel", hidden: true, "aria-label": "Memory" });
    }

    /** @param {Run} run */
    async take(run) {
        const short = run.can.includes("resume") ? run.status.short_of_memory : "";
        const key = [short, run.status.ended].join("|");
        if (key === this.key) return;
        this.key = key;
        const known = short ? await ladder(this.id) : undefined;
        this.element.hidden = !known;
        if (known) this.draw(run, known);
    }

    /** @param {Run} run @param {{short: string, step: number | null, rungs: Rung[], tried: any[]}} known */
    draw(run, { short, step, rungs, tried }) {
        const words = short === "yes" ? "It needs less memory with any of these. What costs least stands first."
            : "If memory ran out, any of these makes it need less. What costs least stands first.";
        const none = "Nothing is left that would make it need less memory here. A device with more of it is needed.";
        const follows = (/** @type {Rung} */ { resumes }) => (!resumes ? "It begins anew: the form is filled in for another training."
            : step ? `It goes on from step ${step}.` : "It starts again from the beginning.");
        this.element.replaceChildren(element("h2", {}, "Use less memory"), element("p", { class: "quiet" }, rungs.length ? words : none),
            rungList(rungs, (rung) => this.press(run, rung), follows), this.past(tried));
    }

    /** What was tried before. @param {{kind: string, changes: any, step: number}[]} tried */
    past(tried) {
        if (!tried.length) return "";
        return element("p", { class: "quiet training-tried" }, element("span", {}, "Tried before:"), " ",
            ...tried.flatMap((one, place) => [place ? " · " : "", element("span", {}, nameOf(one)), " (",
                element("span", {}, `Step ${one.step}`), ")"]));
    }

    /** @param {Run} run @param {Rung} rung */
    async press(run, rung) {
        const answer = await climb(this.id, rung.kind);
        this.key = ""; // whatever came of it, the folder remembers more now
        if (answer?.request) this.owner.again(answer.request, run.name);
        await this.changed();
    }
}

/** A rung's changes as parts of a request. @param {Rung} rung */
export function asRequest({ changes }) {
    const { "": own = {}, ...groups } = changes;
    return { ...own, ...groups };
}
