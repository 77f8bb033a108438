// @ts-check
// The trainings: one that runs, those that wait, those that have ended; beside them the one that is opened, or several compared.
import { element, tool } from "./dom.js";
import { changes } from "./jobs.js";
import { Comparison } from "./training_compare.js";
import { act, move, remove, runs, sample } from "./training_data.js";
import { asked } from "./training_presets.js";
import { RunView } from "./training_run.js";
import { ENDED, GOING, STATES, lasting, moment, percent } from "./training_words.js";

/** @typedef {import("./training_data.js").Run} Run */

const BUSY = 1500, IDLE = 5000; // milliseconds between two looks, while one runs and while none does
const MOST = 6; // compared at once: so many colours can be told apart

export class Trainings {
    /** @type {Run[]} */
    known = [];
    version = "";
    /** The training that makes way for pictures. @type {string | null} */
    aside = null;
    /** @type {RunView | undefined} */
    opened = undefined;
    /** @type {Map<string, {key: string, element: HTMLElement}>} */
    lines = new Map();
    /** Those that are to be compared. @type {Set<string>} */
    ticked = new Set();

    /** @param {any} owner the <webui-training> */
    constructor(owner) {
        this.owner = owner;
        this.list = element("ul", { class: "training-runs" });
        this.empty = element("p", { class: "empty", hidden: true }, "There are no trainings yet. Begin one under New training.");
        this.compare = element("button", { type: "button", disabled: true, onclick: () => this.together() }, "Compare");
        this.spoken = element("p", { class: "for-screen-readers", role: "status" });
        this.view = element("div", { class: "training-opened" }, element("p", { class: "empty" }, "Choose a training to look at."));
        this.element = element("div", { class: "training-split" },
            element("section", { class: "training-list", "aria-label": "Trainings" },
                element("div", { class: "toolbar" }, element("h2", { class: "grow" }, "Trainings"), this.compare), this.spoken, this.list,
                    this.empty),
            this.view);
        changes.addEventListener("training", () => this.visible && this.look());
    }

    /** @param {boolean} visible */
    watch(visible) {
        clearTimeout(this.timer);
        this.visible = visible;
        this.opened?.watch(visible);
        if (visible) this.look();
    }

    async look() {
        clearTimeout(this.timer);
        const answer = await runs(this.version);
        if (answer && !answer.unchanged) {
            [this.version, this.aside] = [answer.version, answer.aside];
            this.draw(answer.runs);
        }
        if (!this.visible) return;
        clearTimeout(this.timer);
        const busy = this.known.some(({ status }) => GOING.includes(status.state) || status.state === "queued");
        this.timer = window.setTimeout(() => this.look(), busy ? BUSY : IDLE);
    }

    /** @param {Run[]} list newest first */
    draw(list) {
        this.known = list;
        const rank = (/** @type {Run} */ { status, position }) => (GOING.includes(status.state) ? 0 : status.state === "paused" ? 1
            : status.state === "queued" ? 2 + (position ?? 0) : 1e6);
        const sorted = [...list].sort((one, other) => rank(one) - rank(other) || other.created - one.created);
        const wanted = sorted.map((run) => this.line(run));
        for (const old of [...this.list.children]) if (!wanted.includes(old)) old.remove();
        wanted.forEach((line, place) => {
            if (this.list.children[place] !== line) this.list.insertBefore(line, this.list.children[place] ?? null);
        });
        this.empty.hidden = list.length > 0;
        this.ticked = new Set([...this.ticked].filter((id) => list.some((run) => run.id === id)));
        this.tick();
        this.owner.count(list.filter(({ status }) => !ENDED.includes(status.state)).length);
        if (!this.opened && !this.compared && sorted.length && matchMedia("(min-width: 761px)").matches) this.open(sorted[0].id);
    }

    /** A line; it is kept while its state stays, or nobody could click on it. @param {Run} run */
    line(run) {
        const key = [run.status.state, run.can.join(), run.cover, run.position, run.name].join("|");
        const known = this.lines.get(run.id);
        const line = known?.key === key ? known.element : this.fresh(run);
        this.lines.set(run.id, { key, element: line });
        if (known && known.element !== line
            && ENDED.includes(run.status.state)) this.spoken.textContent = `${run.name}: ${STATES[run.status.state]}`;
        const facts = line.querySelector(".training-how");
        const words = run.id === this.aside ? "It makes way for pictures, and goes on by itself" : how(run);
        if (facts && facts.textContent !== words) facts.textContent = words;
        const bar = line.querySelector("progress");
        if (bar && run.status.steps) bar.value = run.status.step / run.status.steps;
        line.querySelector(".training-name")?.setAttribute("aria-current", String(run.id === this.opened?.id));
        return line;
    }

    /** @param {Run} run */
    fresh(run) {
        const { id, name, status, can } = run;
        const tick = element("input", { type: "checkbox", checked: this.ticked.has(id), "aria-label": `Compare ${name}`, onchange: () => {
            if (tick.checked) this.ticked.add(id);
            else this.ticked.delete(id);
            this.tick();
        } });
        const waits = status.state === "queued";
        const up = waits && (run.position ?? 1) > 1 && tool("training-up", `Begin ${name} earlier`, () => this.sooner(run));
        const off = can.includes("remove") && tool("clear", `Remove ${name}`, () => this.remove(run));
        return element("li", { class: status.state, dataset: { id } },
            tick, run.cover ? element("img", { class: "training-cover", alt: "", src: sample(id, run.cover.replace(/^samples\//, ""), true),
                loading: "lazy" }) : element("span", { class: "training-cover" }),
            element("div", { class: "grow" },
                element("button", { type: "button", class: "plain training-name", translate: "no", onclick: () => this.open(id) }, name),
                element("div", { class: "training-chips" }, element("span", { class: `chip ${status.state}` }, STATES[status.state]),
                    element("span", { class: "chip" }, run.method)),
                GOING.includes(status.state) || status.state === "paused"
                    ? element("progress", { max: 1, "aria-label": `Progress of ${name}` }) : null,
                element("small", { class: "training-how" })),
            element("div", { class: "training-line-tools" }, up, off));
    }

    tick() {
        this.compare.disabled = this.ticked.size < 2 || this.ticked.size > MOST;
        this.compare.textContent = this.ticked.size > 1 ? `Compare ${this.ticked.size}` : "Compare";
        this.compare.title = this.ticked.size < 2 ? "Tick two trainings or more" : this.ticked.size > MOST ? "Six at most can be told apart"
            : "";
    }

    /** @param {Run} run */
    async sooner({ id, position }) {
        const before = this.known.find((other) => other.status.state === "queued" && other.position === (position ?? 2) - 1);
        if (await move(id, before?.id ?? null)) this.look();
    }

    /** @param {Run} run */
    async remove({ id, name }) {
        const yes = await asked("Remove the training?", "Remove it", element("p", { translate: "no" }, name),
            element("p", { class: "quiet" }, "Its states, samples and files go. What was published into the model folders stays."));
        if (!yes || (await remove(id)) === undefined) return;
        if (this.opened?.id === id) this.close();
        this.look();
    }

    /** @param {string} id @param {string} what */
    async act(id, what, more = {}) {
        await act(id, what, more);
        await Promise.all([this.look(), this.opened?.look()]);
    }

    /** @param {string} id */
    open(id) {
        if (this.opened?.id === id) return;
        this.close();
        this.opened = new RunView(this, id);
        this.view.replaceChildren(this.opened.element);
        this.element.classList.add("opened");
        this.opened.watch(Boolean(this.visible));
        for (const [other, { element: line }] of this.lines) line.querySelector(".training-name")?.setAttribute("aria-current",
            String(other === id));
    }

    close() {
        this.opened?.watch(false);
        [this.opened, this.compared] = [undefined, undefined];
        this.element.classList.remove("opened");
        this.view.replaceChildren(element("p", { class: "empty" }, "Choose a training to look at."));
        for (const { element: line } of this.lines.values()) line.querySelector(".training-name")?.setAttribute("aria-current", "false");
    }

    /** Show those that are ticked beside each other. */
    together() {
        this.close();
        const chosen = this.known.filter(({ id }) => this.ticked.has(id));
        this.compared = new Comparison(chosen, () => this.close());
        this.view.replaceChildren(this.compared.element);
        this.element.classList.add("opened");
    }
}

/** What a line says of a training. @param {Run} run */
function how({ status, position }) {
    if (status.state === "queued") return position === 1 ? "next" : `${position} in the queue`;
    if (status.error) return status.error;
    const parts = [status.steps ? `${status.step} of ${status.steps} steps` : ""];
    if (GOING.includes(status.state)) {
        if (status.steps) parts.push(percent(status.step / status.steps));
        if (status.seconds_left) parts.push(`${lasting(status.seconds_left)} left`);
    } else if (status.ended) parts.push(moment(status.ended));
    return parts.filter(Boolean).join(" · ");
}
