// @ts-check
// <webui-queue>: the Queue tab. All jobs, whoever asked for them: those that wait or run in their order, and those that have ended.
import { showTab } from "./actions.js";
import { element } from "./dom.js";
import { all, arrange, changes, claim, formOf, open, over, paused } from "./jobs.js";
import { owner } from "./owner.js";
import { startDrag } from "./queue_drag.js";
import { edit, isEdited } from "./queue_edit.js";
import { newRow, updateRow } from "./queue_row.js";
import { about, rates, starts, estimate } from "./queue_time.js";
import { show } from "./results.js";
import { call } from "./server.js";

/** @typedef {import("./jobs.js").Job} Job */

const PAGE = 50;
const EMPTY = "Nothing waits. Generate puts a job in here; while one runs, the next waits its turn.";

class Queue extends HTMLElement {
    /**
     * The lines that are shown, by job and state: one that stays the same is kept, or nobody could click on it.
     * @type {Map<string, HTMLElement>}
     */
    rows = new Map();
    /** Ended jobs as the program listed them, the last first. @type {Job[]} */
    older = [];
    /** Whether the program has more of them. */
    more = false;
    /** The last order that was asked for; the next is asked for after it. @type {Promise<unknown>} */
    asked = Promise.resolve();

    connectedCallback() {
        this.classList.add("webui");
        if (!this.childElementCount) this.build();
        this.update = () => this.draw();
        this.forget = (/** @type {any} */ event) => (this.older = event.detail ? this.older.filter((job) => job.id !== event.detail) : []);
        changes.addEventListener("change", this.update);
        changes.addEventListener("removed", this.forget);
        changes.addEventListener("cleared", this.forget);
        this.draw();
        this.fetch();
    }

    disconnectedCallback() {
        changes.removeEventListener("change", /** @type {any} */ (this.update));
        for (const name of ["removed", "cleared"]) changes.removeEventListener(name, /** @type {any} */ (this.forget));
    }

    build() {
        const change = (/** @type {string} */ what) => () => call(`webui/queue/${what}`, { method: "POST" });
        this.pause = element("button", { type: "button", onclick: () => change(paused ? "resume" : "pause")() });
        this.cancel = element("button", { type: "button", onclick: change("cancel_waiting") }, "Cancel all waiting");
        this.clear = element("button", { type: "button", onclick: change("clear_ended") }, "Clear the list");
        this.sum = element("p", { class: "quiet", role: "status" });
        this.waiting = element("ul", { class: "jobs" });
        this.ended = element("ul", { class: "jobs" });
        this.older_button = element("button", { type: "button", class: "older", onclick: () => this.fetch() }, "Show older jobs");
        this.said = element("span", { class: "for-screen-readers", role: "status" });
        this.append(
            element("section", { "aria-label": "Waiting and running" },
                element("div", { class: "toolbar" }, element("h2", {}, "Waiting and running"), this.sum, this.pause, this.cancel),
                this.waiting, element("p", { class: "empty" }, EMPTY), this.said),
            element("section", { "aria-label": "Ended" },
                element("div", { class: "toolbar" }, element("h2", {}, "Ended"), element("span", { class: "grow" }), this.clear),
                this.ended, element("p", { class: "empty" }, "No job has ended yet."), this.older_button));
        startDrag(this.waiting, (id, before) => this.move(id, before));
        new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.fetch(), { rootMargin: "400px" })
            .observe(this.older_button);
    }

    /** The next page of jobs that have ended. */
    async fetch() {
        if (this.fetching || (this.older.length && !this.more)) return;
        this.fetching = true;
        const last = this.older.at(-1);
        const page = await call(`webui/queue/ended?limit=${PAGE}${last ? `&before=${encodeURIComponent(last.id)}` : ""}`);
        this.fetching = false;
        if (!page) return;
        this.more = page.length === PAGE;
        this.older.push(...page);
        this.draw();
    }

    /** Those that have ended, the last first, as far back as the program was asked. @returns {Job[]} */
    endedJobs() {
        const found = new Map([...this.older, ...all().filter(over)].map((job) => [job.id, job]));
        const oldest = this.more ? (this.older.at(-1)?.ended ?? 0) : 0;
        return [...found.values()].filter((job) => (job.ended ?? 0) >= oldest).sort((one, other) => (other.ended ?? 0) - (one.ended ?? 0));
    }

    draw() {
        if (this.offsetParent === null && this.drawn) return this.later(); // in a tab that is not in front
        this.drawn = true;
        const jobs = open();
        const ended = this.endedJobs();
        const known = rates(ended, jobs);
        const facts = { rates: known, starts: starts(jobs, known) };
        const waiting = jobs.filter((job) => job.state === "queued");
        this.fill(this.waiting, jobs, (job) => ({ ...facts, place: waiting.indexOf(job) + 1, last: job === waiting.at(-1) }));
        this.fill(this.ended, ended, () => ({ ...facts, place: 0, last: false }));
        this.drawTools(jobs, waiting, known, ended.length);
    }

    /** Draw once this tab is in front again. */
    later() {
        if (this.waits) return;
        this.waits = true;
        const seen = new IntersectionObserver((all) => {
            if (!all.some((one) => one.isIntersecting)) return;
            seen.disconnect();
            this.waits = false;
            this.draw();
        });
        seen.observe(this);
    }

    /** @param {Job[]} jobs @param {Job[]} waiting @param {Map<string, number>} known @param {number} ended */
    drawTools(jobs, waiting, known, ended) {
        const seconds = jobs.map((job) => (job.state === "running" ? job.seconds_left ?? estimate(job, known) : estimate(job, known)));
        const whole = seconds.includes(undefined) ? "" : about(seconds.reduce((sum, one) => (sum ?? 0) + (one ?? 0), 0));
        const count = waiting.length === 1 ? "1 job waits" : `${waiting.length} jobs wait`;
        const words = [paused ? "The queue is paused" : "", waiting.length ? count : "", jobs.length && whole ? `all done in ${whole}`
            : ""].filter(Boolean).join(" · ");
        if (this.sum.textContent !== words) this.sum.textContent = words;
        const word = paused ? "Go on with the queue" : "Pause the queue";
        if (this.pause.textContent !== word) this.pause.textContent = word;
        this.pause.classList.toggle("primary", paused);
        this.cancel.hidden = waiting.length === 0;
        this.clear.hidden = ended === 0;
        this.older_button.hidden = !this.more;
    }

    /** @param {HTMLElement} list @param {Job[]} jobs @param {(job: Job) => import("./queue_row.js").Facts} facts */
    fill(list, jobs, facts) {
        const focus = document.activeElement;
        const wanted = jobs.map((job) => this.row(job, facts(job)));
        const kept = new Set(wanted);
        for (const old of [...list.children]) if (!kept.has(/** @type {HTMLElement} */ (old))) this.drop(/** @type {HTMLElement} */ (old));
        wanted.forEach((row, place) => {
            if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
        });
        // a line that moves loses it
        if (focus !== document.activeElement && focus instanceof HTMLElement && list.contains(focus)) focus.focus();
    }

    /** @param {Job} job @param {import("./queue_row.js").Facts} facts @returns {HTMLElement} */
    row(job, facts) {
        const key = `${job.id} ${job.state}`;
        const row = this.rows.get(key) ?? newRow(job, this.deeds);
        this.rows.set(key, row);
        row.dataset.key = key;
        updateRow(row, job, facts);
        return row;
    }

    /** @param {HTMLElement} row */
    drop(row) {
        this.rows.delete(row.dataset.key ?? "");
        row.remove();
    }

    /** @type {import("./queue_row.js").Deeds} */
    deeds = {
        show: async (job) => {
            const form = formOf(job) ?? "txt2img";
            await claim(job.id);
            showTab(form);
            show(form, job.id);
        },
        repeat: async (job, seed) => {
            const added = await call(`webui/jobs/${encodeURIComponent(job.id)}/repeat`, { json: { seed, owner: await owner() } });
            if (added) this.say("It waits once more.");
        },
        edit: (job) => {
            const row = this.rows.get(`${job.id} queued`);
            if (row && !isEdited(row)) edit(row, job);
        },
        letGo: (job) => call(`webui/jobs/${encodeURIComponent(job.id)}/let_go`, { method: "POST" }),
        move: (job, step) => {
            const ids = open().filter((each) => each.state === "queued").map((each) => each.id);
            const place = ids.indexOf(job.id) + step;
            if (place < 0 || place >= ids.length) return;
            this.move(job.id, ids[step > 0 ? place + 1 : place] ?? null);
        },
    };

    /** Have a job stand before another one, or last: here at once, and in the program. @param {string} id @param {string | null} before */
    move(id, before) {
        const ids = open().filter((job) => job.state === "queued" && job.id !== id).map((job) => job.id);
        const place = before === null ? ids.length : ids.indexOf(before);
        if (place < 0) return;
        ids.splice(place, 0, id);
        arrange(ids);
        this.say(`Place ${place + 1} of ${ids.length}`);
        this.asked = this.asked.then(() => call(`webui/jobs/${encodeURIComponent(id)}/move`, { json: { before } }));
    }

    /** @param {string} words for screen readers */
    say(words) {
        this.said.textContent = words;
    }
}

customElements.define("webui-queue", Queue);
