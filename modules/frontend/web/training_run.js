// @ts-check
// One training: how far it is, its curves, its samples, the files that came out, its log and settings, and what can be done with it.
import { afterwards, element, tool } from "./dom.js";
import { clock } from "./progress.js";
import { copyText } from "./cards_dialog.js";
import { Chart } from "./training_chart.js";
import { Curves } from "./training_curves.js";
import { events, log, opened } from "./training_data.js";
import { Files } from "./training_files.js";
import { Ladder } from "./training_ladder.js";
import { PictureLosses } from "./training_losses.js";
import { asked } from "./training_presets.js";
import { Samples } from "./training_samples.js";
import { own, table } from "./training_table.js";
import { ENDED, flat, GOING, lasting, moment, percent, PHASES, plain, sizeOf, STATES, written } from "./training_words.js";

/** @typedef {import("./training_data.js").Run} Run */

const BUSY = 1000, IDLE = 4000; // milliseconds
const DRAWN = 250; // milliseconds between two drawings of the charts
const LOG_MOST = 200_000; // characters shown
/** What a number means, where its name does not say it. @type {Record<string, string | undefined>} */
const TOLD = { "Share of the peak": "How much of the arithmetic that the device can do at most is used",
    Loss: "Smoothed over the last steps" };
/** @type {[string, string][]} */
const ACTS = [["pause", "Pause"], ["resume", "Resume"], ["sample", "Make samples now"], ["save", "Save now"], ["stop", "Stop"]];

export class RunView {
    next = 0;
    logged = 0;
    /** @type {Curves | undefined} */
    curves = undefined;
    /** What the heading and the settings were drawn of last. */
    key = "";
    described = "";
    /** @type {Promise<void> | undefined} */
    looking = undefined;

    /** @param {any} page the Trainings @param {string} id */
    constructor(page, id) {
        this.page = page;
        this.id = id;
        this.heading = element("h2", { class: "grow", translate: "no" }, "");
        this.chips = element("div", { class: "training-chips" });
        this.buttons = element("div", { class: "toolbar training-acts", role: "group", "aria-label": "Actions" });
        this.bar = element("progress", { max: 1, "aria-label": "Progress" });
        this.phase = element("p", { class: "training-phase", role: "status" });
        this.tiles = element("dl", { class: "training-tiles" });
        this.remarks = element("ul", { class: "training-remarks" });
        this.samples = new Samples(id, page.owner);
        this.files = new Files(id, () => this.read());
        this.losses = new PictureLosses(id, page.owner);
        this.ladder = new Ladder(id, page.owner, () => Promise.all([this.page.look(), this.look()]));
        this.loss = new Chart({ label: "Loss", height: 260 });
        this.rate = new Chart({ label: "Learning rate", height: 150, zero: true });
        this.speed = new Chart({ label: "Speed", unit: "pictures a second", height: 150, zero: true });
        this.text = element("pre", { class: "training-log", tabIndex: 0, translate: "no" });
        this.settings = element("div", { class: "training-settings" });
        this.logs = this.folded("Log", this.text, () => this.tail());
        this.element = this.layout();
        this.redraw = afterwards(() => this.draw(), DRAWN);
    }

    layout() {
        this.width = element("input", { type: "range", min: 0, max: 100, value: 45, "aria-label": "Smoothing",
            oninput: () => this.draw() });
        this.log = element("input", { type: "checkbox", onchange: () => this.loss.logarithm(this.log.checked) });
        const back = element("button", { type: "button", class: "training-back", onclick: () => this.page.close() }, "All trainings");
        const save = element("button", { type: "button", onclick: () => this.download() }, "Save as a table");
        return element("article", { class: "training-run" }, back,
            element("header", {}, element("div", { class: "toolbar" }, this.heading, this.chips), this.buttons),
            element("div", { class: "training-now" }, this.phase, this.bar, this.tiles), this.ladder.element, this.remarks,
            element("section", { "aria-label": "Curves", class: "training-curves" },
                element("div", { class: "toolbar training-curve-tools" },
                    element("label", { class: "toolbar" }, element("span", {}, "Smoothing"), this.width),
                    element("label", { class: "toolbar" }, this.log, element("span", {}, "Logarithmic")), save),
                this.loss.element, element("div", { class: "training-small" }, this.rate.element, this.speed.element)),
            this.samples.element, this.losses.element, this.files.element, this.logs, this.folded("Settings", this.settings, () => {}));
    }

    /** @param {string} title @param {HTMLElement} content @param {() => void} open */
    folded(title, content, open) {
        return element("details", { class: "training-fold panel", ontoggle: open }, element("summary", {}, title), content);
    }

    /** @param {boolean} visible */
    watch(visible) {
        clearTimeout(this.timer);
        this.visible = visible;
        if (visible) this.look();
    }

    /** Ask for what is new; never twice at once, or the same events would be taken twice. */
    look() {
        clearTimeout(this.timer);
        this.looking ??= this.fetch().finally(() => {
            this.looking = undefined;
            if (!this.visible) return;
            clearTimeout(this.timer);
            this.timer = window.setTimeout(() => this.look(), ENDED.includes(this.line?.status.state ?? "") ? IDLE : BUSY);
        });
        return this.looking;
    }

    async fetch() {
        if (!this.curves) await this.read();
        for (let more = Boolean(this.curves); more;) { // a long training's events come in pieces
            const answer = await events(this.id, this.next);
            more = Boolean(answer?.events.length && answer.next > this.next);
            if (!answer) break;
            if (answer.anew) { // it went back to an earlier state: its events are others now
                this.curves = undefined;
                this.next = 0;
                await this.read();
                continue;
            }
            this.next = answer.next;
            this.status(answer.line);
            if (this.curves?.take(answer.events)) await this.read();
            if (answer.events.length) this.redraw();
        }
        if (this.logs.open) await this.tail();
    }

    /** What only changes when something came out. */
    async read() {
        const run = await opened(this.id);
        if (!run) return;
        this.run = run;
        this.curves ??= new Curves();
        this.heading.textContent = run.name;
        this.status(run);
        this.samples.take(run);
        this.files.take(run);
        this.describe(run);
    }

    /** @param {Run} run */
    status(run) {
        this.line = run;
        const { status } = run;
        this.files.best(this.samples.best(status.best_step));
        const chips = [[STATES[status.state], status.state], [run.method, ""], [run.checkpoint.replace(/ \[[0-9a-f]+\]$/, ""), "no"]];
        const key = JSON.stringify([chips, run.can, status.data_changed]);
        if (this.key !== key) {
            this.key = key;
            this.chips.replaceChildren(...chips.filter(([words]) => words)
                .map(([words, look]) => element("span", { class: `chip ${look}`, translate: look === "no" ? "no" : undefined }, words)));
            this.drawButtons(run);
        }
        const going = GOING.includes(status.state);
        const counted = status.phase !== "training" && status.total ? `${status.done} of ${status.total}` : "";
        const doing = going ? [PHASES[status.phase], counted].filter(Boolean).join(", ") : "";
        const words = status.error || status.text || doing;
        if (this.phase.textContent !== words) this.phase.textContent = words;
        this.phase.classList.toggle("wrong", Boolean(status.error));
        if (status.error && status.hint) this.phase.append(element("span", { class: "quiet" }, ` ${status.hint}`));
        this.ladder.take(run);
        this.losses.look(run);
        this.bar.hidden = status.state === "queued";
        this.bar.value = status.steps ? status.step / status.steps : 0;
        this.drawTiles(run);
    }

    /** @param {Run} run */
    drawTiles({ status }) {
        const going = GOING.includes(status.state);
        const took = status.started ? (status.ended ?? Date.now() / 1000) - status.started : undefined;
        const facts = /** @type {[string, string][]} */ ([
            ["Step", status.steps ? `${status.step.toLocaleString("en")} of ${status.steps.toLocaleString("en")}` : ""],
            ["Loss", status.loss == null ? "" : plain(status.loss)],
            [going ? "Time left" : "", going && status.seconds_left != null ? lasting(status.seconds_left) : ""],
            ["Time", took === undefined ? "" : clock(took)],
            ["Pictures a second", status.images_per_second == null ? "" : plain(Number(status.images_per_second.toPrecision(3)))],
            ["Share of the peak", status.share == null ? "" : percent(status.share)],
            ["Memory", status.memory == null ? "" : sizeOf(status.memory)],
            ["Epoch", status.epoch ? String(status.epoch) : ""],
        ].filter(([name, value]) => name && value));
        const key = facts.map(([name]) => name).join();
        if (this.tiles.dataset.key !== key) {
            this.tiles.dataset.key = key;
            this.tiles.replaceChildren(...facts.map(([name]) => element("div", { title: TOLD[name] }, element("dt", {}, name),
                element("dd", {}))));
        }
        facts.forEach(([, value], place) => {
            const at = this.tiles.children[place].lastElementChild;
            if (at.textContent !== value) at.textContent = value;
        });
    }

    /** @param {Run} run */
    drawButtons(run) {
        const asks = (/** @type {string} */ what) => async (/** @type {any} */ event) => {
            event.target.disabled = true;
            await this.page.act(this.id, what);
            event.target.disabled = false;
        };
        const buttons = ACTS.filter(([what]) => run.can.includes(what)).map(([what, words]) => element("button",
            { type: "button", class: what === "resume" ? "primary" : "", dataset: { act: what }, onclick: asks(what) }, words));
        if (run.status.data_changed && run.can.includes("resume")) {
            buttons.push(element("button", { type: "button", dataset: { act: "changed" },
                onclick: () => this.page.act(this.id, "resume", { changed: true }) }, "Go on with the changed pictures"));
        }
        if (run.status.state === "stopping") buttons.push(element("button", { type: "button", onclick: () => this.stopNow() },
            "Stop at once"));
        this.buttons.replaceChildren(...buttons, element("span", { class: "grow" }),
            element("button", { type: "button", onclick: () => this.run && this.page.owner.again(this.run.request, this.run.name) },
                "Use these settings"));
    }

    async stopNow() {
        const yes = await asked("Stop at once?", "Stop at once", element("p", {}, "What was learned since the last state is lost."));
        if (yes) await this.page.act(this.id, "stop", { now: true });
    }

    draw() {
        const { curves, line } = this;
        if (!curves || !line) return;
        const { status } = line;
        const width = 1 + (Math.max(20, status.steps || curves.last) / 4) * (this.width.value / 100) ** 2;
        const last = GOING.includes(status.state) || status.state === "paused"
            ? Math.max(curves.last, Math.min(status.steps, curves.last * 1.25)) : curves.last;
        const marks = status.best_step ? [{ at: status.best_step, words: "Best", strong: true }] : [];
        this.loss.set([
            { id: "loss:raw", name: "Each step", points: curves.lines.loss, faint: true },
            { id: "loss", name: "Smoothed", points: curves.smooth(width) },
            { id: "train", name: "Trained pictures", points: curves.lines.train, dots: true, dash: true },
            { id: "held", name: "Held-out pictures", points: curves.lines.held, dots: true },
        ], marks, last);
        this.rate.set([{ id: "rate", name: "Learning rate", points: curves.lines.rate }], marks, last);
        this.speed.set([{ id: "speed", name: "Pictures a second", points: curves.lines.speed }], [], last);
        const key = curves.remarks.length;
        if (Number(this.remarks.dataset.count ?? 0) === key) return;
        this.remarks.dataset.count = String(key);
        this.remarks.replaceChildren(...curves.remarks
            .map(({ step, text, kind, at: when }) => element("li", { class: kind, title: moment(when) },
            element("span", {}, text), " ", element("small", {}, `Step ${step}`))));
    }

    /** @param {import("./training_data.js").Opened} run */
    describe(run) {
        const reasons = run.reasons ?? {};
        const key = JSON.stringify([run.request, reasons, run.commands]);
        if (this.described === key) return; // what is unfolded stays so
        this.described = key;
        const usual = new Map(flat(this.page.owner.begin.known.defaults));
        const told = flat(run.request).filter(([, value]) => value !== "" && !(Array.isArray(value) && !value.length));
        const unusual = (/** @type {[string, any]} */ [path, value]) => reasons[path]
            || JSON.stringify(value) !== JSON.stringify(usual.get(path));
        const names = new Map(this.page.owner.begin.known.groups.flatMap((/** @type {any} */ { name, title, fields }) =>
            fields.map((/** @type {any} */ field) => [`${name}.${field.name}`, `${title}: ${field.label}`])));
        for (const field of this.page.owner.begin.known.fields) names.set(field.name, field.label);
        const command = (/** @type {string} */ text) => element("div", { class: "training-command" },
            element("code", { translate: "no" }, text),
            tool("training-copy", "Copy the command", () => copyText(text)));
        const value = (/** @type {string} */ path, /** @type {any} */ one) => [own(written(one)), reasons[path]
            && element("small", {}, ` ${reasons[path]}`)];
        const lines = (/** @type {[string, any][]} */ rows) => element("div", { class: "training-table" },
            table([], rows.map(([path, one]) => [names.get(path) ?? path, value(path, one)])));
        this.settings.replaceChildren(
            run.folder ? element("p", { class: "quiet" }, "Its folder: ", element("code", { translate: "no" }, run.folder)) : "",
            run.commands.length ? element("p", { class: "quiet" }, "To be started on further machines:") : "",
            ...run.commands.map(command),
            lines(told.filter(unusual)),
            element("details", {}, element("summary", {}, "Settings that are as at the start"),
                lines(told.filter((one) => !unusual(one)))));
    }

    async tail() {
        if (!this.logs.open) return;
        const more = await log(this.id, this.logged);
        if (!more?.text) return;
        this.logged = more.next;
        const below = this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight < 40;
        this.text.textContent = (this.text.textContent + more.text).slice(-LOG_MOST);
        if (below) this.text.scrollTop = this.text.scrollHeight;
    }

    download() {
        const link = element("a", { href: URL.createObjectURL(new Blob([this.curves?.csv ?? ""], { type: "text/csv" })),
            download: `${this.id}.csv` });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }
}
