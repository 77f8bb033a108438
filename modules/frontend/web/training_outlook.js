// @ts-check
// What would be done with the form as it stands: what the check of the pictures found, what was decided and why, how long it takes.
import { element } from "./dom.js";
import { judged, measure, measured, stopMeasuring } from "./training_data.js";
import { repair } from "./training_datasets.js";
import { asRequest, rungList } from "./training_ladder.js";
import { at, lasting, percent, sizeOf, written } from "./training_words.js";

/** @typedef {import("./training_data.js").Finding} Finding */

const LOOK_AGAIN = 700; // milliseconds between two looks at a measurement
const FILES = 5; // named at once

/** What is said of the decided values, in this order; the others stand in Advanced. @type {[string, string][]} */
const DECIDED = [
    ["steps.steps", "Steps"], ["steps.batch", "Batch size"], ["data.resolution", "Resolution"], ["optimizer.rate", "Learning rate"],
    ["network.rank", "Rank"], ["embedding.vectors", "Vectors"], ["steps.precision", "Precision"], ["samples.every", "Samples every"],
];
/** @type {Record<string, string>} */
const LEVELS = { red: "Must be mended", amber: "Worth a look", green: "Good" };

export class Outlook {
    stale = true;
    /** @type {any} */
    advice = undefined;
    /** What is about to be decided is to be measured at once. */
    refit = false;

    /**
     * @param {() => Promise<unknown>} start
     * @param {() => void} again looks once more
     * @param {(folder: string, names: string[]) => void} edit shows pictures in the workbench
     * @param {(values: any) => void} change puts parts of a request into the form
     */
    constructor(start, again, edit, change) {
        this.change = change;
        this.again = again;
        this.edit = edit;
        this.said = element("p", { class: "training-verdict", role: "status" });
        this.shapes = element("p", { class: "quiet" });
        this.findings = element("ul", { class: "training-findings" });
        this.decided = element("dl", { class: "training-advice" });
        this.time = element("div", { class: "training-fit" });
        this.measure = element("button", { type: "button", onclick: () => this.fit() }, "Measure time and memory");
        this.button = element("button", { type: "button", class: "primary training-start", id: "training_start", disabled: true,
            onclick: async () => {
            this.button.disabled = true;
            await start();
            this.button.disabled = Boolean(this.refused);
        } }, "Start training");
        this.why = element("p", { class: "quiet", id: "training_start_why" });
        this.button.setAttribute("aria-describedby", "training_start_why");
        this.refresh = element("button", { type: "button", onclick: () => again() }, "Check again");
        this.element = element("aside", { class: "training-outlook panel", "aria-label": "Before the start" },
            element("div", { class: "training-go" }, this.button, this.why),
            element("section", {}, element("div", { class: "toolbar" }, element("h2", { class: "grow" }, "Your pictures"), this.refresh),
                this.said, this.shapes, this.findings),
            this.deciding = element("section", {}, element("h2", {}, "What will be done"), this.decided, this.time, this.measure));
        this.refuse("Name a folder of pictures first.");
        this.idle();
    }

    /** @param {string} why empty: it can be started */
    refuse(why) {
        this.refused = why;
        this.why.textContent = why;
        this.button.disabled = Boolean(why);
    }

    /** Nothing is known yet. */
    idle() {
        this.said.textContent = "Once a folder is named its pictures are checked here, and the settings are worked out from them.";
        this.shapes.textContent = "";
        this.findings.replaceChildren();
        this.deciding.hidden = true;
        this.refresh.hidden = true;
    }

    /** Something has changed: what is shown is about to be asked again. */
    wait() {
        this.stale = true;
        this.element.setAttribute("aria-busy", "true");
        this.button.disabled = true;
    }

    /**
     * Ask what would be done. @param {any} request @param {string[]} problems of the form @param {boolean} may begin trainings
     * @returns {Promise<{request: any, reasons: Record<string, string>} | undefined>}
     */
    async look(request, problems, may) {
        this.asking?.abort();
        const asking = this.asking = new AbortController();
        this.request = request;
        if (!request.data.folders.length || problems.length) {
            this.element.removeAttribute("aria-busy");
            if (!request.data.folders.length) this.idle();
            this.refuse(problems[0] ?? "Name a folder of pictures first.");
            return undefined;
        }
        this.refresh.hidden = false;
        this.why.textContent = "The pictures are being looked at…";
        const [checked, advised] = await Promise.all([judged("check", request, asking.signal), judged("advise", request, asking.signal)]);
        if (asking.signal.aborted) return undefined;
        this.element.removeAttribute("aria-busy");
        this.stale = false;
        const red = this.judge(checked);
        this.advise(advised);
        this.refuse(!may
            ? "Trainings can be started on the program's own machine only. The setting \"Let other machines train\" allows it."
            : red ? "It can be started once what is marked red is mended." : advised.problem ?? "");
        return advised.value;
    }

    /**
     * Show the findings.
     * @param {{value?: any, problem?: string, hint?: string}} answer
     * @returns {boolean} whether it must not be started
     */
    judge({ value, problem, hint }) {
        const findings = /** @type {Finding[]} */ (value?.findings ?? [{ level: "red", text: problem ?? "", hint }]);
        const pictures = value?.facts?.pictures;
        const red = findings.some(({ level }) => level === "red");
        const amber = findings.some(({ level }) => level === "amber");
        const verdict = red ? "Something must be mended first." : amber ? "It can be started; some things are worth a look."
            : "All is well.";
        this.said.replaceChildren(...(pictures === undefined ? [] : [element("b", {}, `${pictures} pictures`), " "]),
            element("span", {}, verdict));
        const sizes = /** @type {any[]} */ (value?.facts?.buckets ?? [])
            .map(({ width, height, pictures: count }) => `${width} x ${height} (${count})`);
        this.shapes.textContent = sizes.length ? `Trained as ${sizes.join("; ")}` : "";
        this.said.dataset.level = red ? "red" : amber ? "amber" : "green";
        this.findings.replaceChildren(...findings.map((one) => this.finding(one)));
        return red;
    }

    /** @param {Finding} one */
    finding({ level, text, hint, files = [], repairs = [] }) {
        const names = files.slice(0, FILES).map(plainName).join(", ");
        const more = files.length - FILES;
        const light = element("span", { class: "training-light", role: "img", "aria-label": LEVELS[level], title: LEVELS[level] });
        const named = names && element("p", { class: "quiet" }, element("span", { translate: "no" }, names),
            more > 0 && element("span", {}, ` and ${more} more`));
        const buttons = repairs.filter(({ action }) => action !== "caption").map(({ action, label }) => this.mend(action, label, files));
        if (files.length) buttons.push(element("button", { type: "button", onclick: () => this.present(files) }, "Show them"));
        return element("li", { class: level }, light,
            element("div", {}, element("p", {}, text), hint && element("p", { class: "quiet" }, hint),
            named, buttons.length > 0 && element("div", { class: "toolbar" }, ...buttons)));
    }

    /** A button that mends what was found. @param {string} action @param {string} label @param {string[]} files */
    mend(action, label, files) {
        return element("button", { type: "button", onclick: async (/** @type {any} */ event) => {
            event.target.disabled = true;
            await repair(this.request, action, files);
            this.again();
        } }, label);
    }

    /** Show pictures where their captions can be written. @param {string[]} files such as "0/a.png", by the folder's number */
    present(files) {
        const [number] = files[0].split("/");
        const names = files.filter((name) => name.startsWith(`${number}/`)).map(plainName);
        this.edit(this.request.data.folders[Number(number)]?.folder ?? "", names);
    }

    /** Show what was decided. @param {{value?: any}} answer */
    advise({ value }) {
        this.advice = value;
        this.deciding.hidden = !value;
        if (!value) return;
        const shown = DECIDED.filter(([path]) => value.reasons[path] || (at(value.request, path) && path === "steps.steps"));
        this.decided.replaceChildren(...shown.flatMap(([path, label]) => [
            element("dt", {}, element("span", {}, label), element("b", { translate: "no" }, written(at(value.request, path)))),
            element("dd", {}, value.reasons[path] ?? "As you set it."),
        ]));
        if (JSON.stringify(value.request) !== this.fitted) this.time.replaceChildren();
        if (!this.refit) return;
        this.refit = false;
        this.fit();
    }

    /** Have two steps done, and say how long all would take. */
    async fit() {
        const { request } = this.advice ?? {};
        const begun = request && await measure(request);
        if (!begun) return;
        this.measure.disabled = true;
        const stop = element("button", { type: "button", onclick: () => stopMeasuring(begun.id) }, "Stop measuring");
        const words = element("span", { class: "quiet" }, "Two steps are done to measure it…");
        this.time.replaceChildren(words, " ", stop);
        for (;;) {
            await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
            const now = await measured(begun.id);
            if (now?.state === "running") words.textContent = now.text || words.textContent;
            else {
                this.measure.disabled = false;
                this.fitted = JSON.stringify(request);
                const rungs = now?.rungs.length ? this.rungs(now.rungs) : [];
                return this.time.replaceChildren(...(now?.result ? fitting(now.result)
                    : [element("p", { class: "wrong" }, now?.error || "It could not be measured."),
                    element("p", { class: "quiet" }, now?.hint ?? "")]), ...rungs);
            }
        }
    }

    /** What makes it need less memory; pressed, it is put into the form, and measured again. @param {import("./training_ladder.js").Rung[]} rungs */
    rungs(rungs) {
        const press = (/** @type {import("./training_ladder.js").Rung} */ rung) => {
            this.refit = true;
            this.change(asRequest(rung));
        };
        return [element("p", { class: "quiet" }, "It needs less memory with any of these. What costs least stands first."),
            rungList(rungs, press, () => "It is put into the form, and measured again.")];
    }
}

/**
 * What a measurement has found, in rows. `tight`: little memory is left beside it.
 * @param {{memory: number | null, memory_all: number | null, seconds_per_step: number, seconds: number, disk: number, disk_free: number,
 * tight: boolean}} found
 */
function fitting({ memory, memory_all: all, seconds_per_step: step, seconds, disk, disk_free: free, tight }) {
    const rows = /** @type {[string, string][]} */ ([
        seconds && ["Time", `about ${lasting(seconds)}${step ? `, ${step.toFixed(step < 1 ? 2 : 1)} s a step` : ""}`],
        memory && ["Memory", all ? `${sizeOf(memory)} of ${sizeOf(all)} (${percent(memory / all)})` : sizeOf(memory)],
        disk && ["Disk", free ? `${sizeOf(disk)}; ${sizeOf(free)} are free` : sizeOf(disk)],
    ].filter(Boolean));
    const warning = tight && element("p", { class: "wrong" },
        "Memory is tight: a smaller batch, or gradient checkpointing, makes it safer.");
    return [...(warning ? [warning] : []), element("dl", { class: "training-facts" },
        ...rows.flatMap(([label, value]) => [element("dt", {}, label), element("dd", {}, value)]))];
}

/** A picture's name without the number of its folder. @param {string} name such as "0/a.png" */
const plainName = (name) => name.replace(/^\d+\//, "");
