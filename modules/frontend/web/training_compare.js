// @ts-check
// Several trainings beside each other: what they were asked differently, their curves over each other, their last samples.
import { element } from "./dom.js";
import { Chart } from "./training_chart.js";
import { Curves } from "./training_curves.js";
import { events, opened, sample } from "./training_data.js";
import { own, table } from "./training_table.js";
import { flat, plain, STATES, written } from "./training_words.js";

/** @typedef {import("./training_data.js").Run} Run */

/** @type {Record<string, string>} */
const LINES = { smooth: "Loss", held: "Held-out pictures", train: "Trained pictures", rate: "Learning rate", speed: "Pictures a second" };

export class Comparison {
    /** @type {{run: import("./training_data.js").Opened, curves: Curves}[] | undefined} */
    found = undefined;

    /** @param {Run[]} runs @param {() => void} close */
    constructor(runs, close) {
        this.runs = runs;
        this.choice = element("select", { "aria-label": "Which curve", onchange: () => this.draw() }, ...Object.entries(LINES)
            .map(([name, words]) => element("option", { value: name }, words)));
        this.chart = new Chart({ label: "Curves", height: 300 });
        this.table = element("div", { class: "training-table" }, element("p", { class: "empty" }, "Reading…"));
        this.grid = element("div", { class: "training-grid" });
        this.element = element("article", { class: "training-run" },
            element("div", { class: "toolbar" }, element("h2", { class: "grow" }, `${runs.length} trainings compared`), this.choice,
                element("button", { type: "button", onclick: close }, "Close")),
            this.chart.element, element("h2", {}, "What differs"), this.table, element("h2", {}, "Their last samples"), this.grid);
        this.read();
    }

    async read() {
        this.found = (await Promise.all(this.runs.map(async ({ id }) => {
            const run = await opened(id);
            if (!run) return undefined;
            const curves = new Curves();
            for (let next = 0; ;) {
                const answer = await events(id, next);
                if (!answer?.events.length || answer.next <= next) break;
                curves.take(answer.events);
                next = answer.next;
            }
            return { run, curves };
        }))).filter((each) => each !== undefined);
        this.draw();
        this.table.replaceChildren(this.differences());
        this.grid.replaceChildren(this.samples());
    }

    draw() {
        const name = this.choice.value;
        this.chart.title.textContent = LINES[name];
        this.chart.set((this.found ?? []).map(({ run, curves }) => ({
            id: run.id, name: run.name, dots: name === "held" || name === "train",
            points: name === "smooth" ? curves.smooth(Math.max(10, curves.last / 15)) : curves.lines[/** @type {"held"} */ (name)],
        })));
    }

    /** What they were asked differently, and how well they did. */
    differences() {
        const found = /** @type {{run: import("./training_data.js").Opened, curves: Curves}[]} */ (this.found ?? []);
        const all = found.map(({ run }) => new Map(flat(run.request)));
        const unlike = (/** @type {string} */ name) => new Set(all.map((values) => JSON.stringify(values.get(name)))).size > 1;
        const names = [...new Set(all.flatMap((values) => [...values.keys()]))].filter((name) => name !== "name" && unlike(name));
        const best = found.map(({ curves }) => curves.lines.held.reduce((least, [, value]) => Math.min(least, value), Infinity));
        return table(["Setting", ...found.map(({ run }) => own(run.name))], [
            ["State", ...found.map(({ run }) => STATES[run.status.state])],
            ["Lowest loss on held-out pictures", ...best.map((value) => (Number.isFinite(value) ? plain(value) : "—"))],
            ...names.map((name) => [this.label(name), ...all.map((values) => own(written(values.get(name))))]),
        ]);
    }

    /** @param {string} path such as "steps.batch" */
    label(path) {
        const known = /** @type {any} */ (document.querySelector("webui-training"))?.begin?.known;
        const [group, field] = path.split(".");
        const found = known?.groups.find((/** @type {any} */ each) => each.name === group);
        return found?.fields.find((/** @type {any} */ each) => each.name === field)?.label
            ?? known?.fields.find((/** @type {any} */ each) => each.name === path)?.label ?? path;
    }

    /** The newest samples of each, a column for each training. */
    samples() {
        const found = (this.found ?? []).map(({ run }) => {
            const last = Math.max(-1, ...run.samples.map(({ step }) => step));
            return { run, last, list: run.samples.filter(({ step }) => step === last) };
        });
        const heads = found.map(({ run, last }) => [own(run.name), last >= 0 && element("small", {}, ` Step ${last}`)]);
        const longest = found.map(({ list }) => list).reduce((most, list) => (list.length > most.length ? list : most), []);
        const picture = (/** @type {string} */ id, /** @type {any} */ one) => one
            && element("img", { alt: one.text, loading: "lazy", src: sample(id, one.file, true) });
        return table(["Prompt", ...heads],
            longest.map(({ text }, place) => [own(text || "—"), ...found.map(({ run, list }) => picture(run.id, list[place]))]));
    }
}
