// @ts-check
// One job as a line of the queue: what it is, how far it is, and what can be done with it.
import { element, tool } from "./dom.js";
import { act, find, mine, over, paused, stop } from "./jobs.js";
import { clock, share } from "./progress.js";
import { about, estimate } from "./queue_time.js";

/** @typedef {import("./jobs.js").Job} Job */
/**
 * What a line asks of its list.
 * @typedef {object} Deeds
 * @property {(job: Job) => unknown} show its pictures
 * @property {(job: Job, seed: "same" | "new") => unknown} repeat
 * @property {(job: Job) => unknown} edit
 * @property {(job: Job) => unknown} letGo
 * @property {(job: Job, step: number) => unknown} move up (-1) or down (1)
 */
/**
 * @typedef {{rates: Map<string, number>, starts: Map<string, number | undefined>, place: number, last: boolean}} Facts `place` among those
 * that wait, from 1
 */

/** @type {Record<string, string>} */
const STATES = { queued: "Waiting", running: "Running", done: "Done", interrupted: "Interrupted", cancelled: "Cancelled",
    failed: "Failed" };
/** @type {Record<string, string>} */
const MODES = {
    txt2img: "txt2img", img2img: "img2img", inpaint: "Inpaint", batch: "Batch", extras: "Extras", caption: "Caption", merge: "Merge",
    hashes: "Hashes", download: "Download",
};

/**
 * A line's nodes, made once for each job and state: one that stays the same is kept, or nobody could click on it.
 * @param {Job} job
 * @param {Deeds} deeds
 * @returns {HTMLElement}
 */
export function newRow(job, deeds) {
    const row = element("li", { class: `job ${job.state}`, dataset: { job: job.id } },
        job.state === "queued" && grip(job, deeds),
        element("div", { class: "picture" }),
        element("div", { class: "words" },
            element("strong", { translate: "no", title: job.title }, job.title || "..."),
            element("div", { class: "facts" }, element("span", { class: "chip" }, MODES[job.mode ?? job.kind] ?? job.mode ?? job.kind),
                element("small")),
            job.state === "running" && bar()),
        element("div", { class: "buttons", role: "group", "aria-label": "Actions" }, ...buttons(job, deeds)));
    if (job.error) row.querySelector(".words")?.append(element("p", { class: "wrong", translate: "no" }, job.error, job.hint
        ? ` ${job.hint}` : ""));
    if (over(job)) ended(row, job, deeds);
    return row;
}

/** Bring a line up to date. @param {HTMLElement} row @param {Job} job @param {Facts} facts */
export function updateRow(row, job, facts) {
    say(row.querySelector("strong"), job.title || "(no prompt)");
    say(row.querySelector("small"), words(job, facts));
    row.classList.toggle("held", Boolean(job.held));
    for (const button of row.querySelectorAll("button.let-go")) /** @type {HTMLElement} */ (button).hidden = !job.held;
    const [up, down] = /** @type {NodeListOf<HTMLButtonElement>} */ (row.querySelectorAll("button.up, button.down"));
    if (up) up.disabled = facts.place === 1;
    if (job.state === "queued") say(row.querySelector(".picture"), String(facts.place));
    if (down) down.disabled = facts.last;
    if (job.state === "running") running(row, job);
}

/** @param {Element | null} place @param {string} text */
function say(place, text) {
    if (place && place.textContent !== text) place.textContent = text;
}

/** @param {HTMLElement} row @param {Job} job */
function running(row, job) {
    const line = /** @type {HTMLElement} */ (row.querySelector(".bar"));
    const part = share(job);
    line.setAttribute("aria-valuenow", String(Math.round(part * 100)));
    /** @type {HTMLElement} */ (line.firstElementChild).style.transform = `scaleX(${part})`;
    const place = row.querySelector(".picture");
    const wanted = job.preview ? `webui/preview/${encodeURIComponent(job.id)}?n=${job.preview}` : "";
    if (!place || !wanted || row.dataset.preview === wanted || row.dataset.busy) return;
    row.dataset.preview = wanted;
    row.dataset.busy = "1";
    const picture = new Image();
    picture.alt = "";
    picture.src = wanted;
    picture.decode().then(() => place.replaceChildren(picture), () => {}).finally(() => delete row.dataset.busy);
}

/** @param {Job} job @param {Facts} facts */
function words(job, facts) {
    return [state(job, facts), asked(job), ownerOf(job)].filter(Boolean).join(" · ");
}

/** @param {Job} job @param {Facts} facts */
function state(job, facts) {
    const word = STATES[job.state] ?? job.state;
    if (job.state === "running") {
        const left = job.seconds_left != null ? `${clock(job.seconds_left)} left` : "";
        return [job.finishing ? "Interrupting" : word, job.total ? `${Math.round(share(job) * 100)} %` : "", left]
            .filter(Boolean).join(", ");
    }
    if (job.state === "queued") {
        if (job.held) return "Held back while it is edited";
        const takes = about(estimate(job, facts.rates));
        const begins = facts.starts.get(job.id);
        const when = paused || begins === undefined ? "" : begins < 1 ? "next" : `begins in ${about(begins)}`;
        return [word, takes ? `takes ${takes}` : "", when].filter(Boolean).join(", ");
    }
    const took = job.started && job.ended && job.state === "done" ? `in ${clock(job.ended - job.started)}` : "";
    return [word, took, job.ended ? time(job.ended) : ""].filter(Boolean).join(", ");
}

/** @param {number} seconds since 1970 */
function time(seconds) {
    const then = new Date(seconds * 1000);
    const today = then.toDateString() === new Date().toDateString();
    return today ? then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : then.toLocaleString([], { dateStyle: "short",
        timeStyle: "short" });
}

/** @param {Job} job */
function asked(job) {
    if (!job.brief) return "";
    const { size, steps, batch_count, batch_size, seed } = job.brief;
    const pictures = (batch_count ?? 1) * (batch_size ?? 1);
    return [size ? `${size[0]}x${size[1]}` : "", `${steps} steps`, pictures > 1 ? `${pictures} pictures` : "", `seed ${seed}`]
        .filter(Boolean).join(", ");
}

/** @param {Job} job */
const ownerOf = (job) => (job.owner === "api" ? "API" : mine(job) ? "this tab" : "another tab");

const bar = () => element("div", { class: "bar", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0,
    "aria-valuemax": 100 }, element("div"));

/** What a finger or the mouse takes hold of; with the keyboard it is Alt with an arrow. @param {Job} job @param {Deeds} deeds */
function grip(job, deeds) {
    const keys = (/** @type {KeyboardEvent} */ event) => {
        if (!event.altKey && event.target instanceof Element && !event.target.classList.contains("grip")) return;
        if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
        event.preventDefault();
        event.stopPropagation();
        deeds.move(job, event.key === "ArrowUp" ? -1 : 1);
    };
    return element("button", {
        type: "button", class: "plain grip", title: "Drag to another place, or press an arrow key", "aria-label": "Move this job",
            onkeydown: keys,
    });
}

/** @param {Job} job @param {Deeds} deeds @returns {HTMLElement[]} */
function buttons(job, deeds) {
    if (job.state === "running") {
        return [
            ...(job.brief ? [named("Skip", job, () => act(job.id, "skip"))] : []),
            named("Interrupt", job, (now) => stop(now)),
            tool("cancel", "Cancel and keep nothing", () => act(job.id, "cancel")),
        ];
    }
    if (job.state === "queued") {
        return [
            named("Let it run", job, () => deeds.letGo(job), "let-go"),
            tool("up", "Move up", () => deeds.move(job, -1), { class: "tool icon-up up" }),
            tool("down", "Move down", () => deeds.move(job, 1), { class: "tool icon-down down" }),
            ...(job.brief ? [tool("edit", "Edit", () => deeds.edit(job), { "aria-expanded": "false", class: "tool icon-edit edit" })] : []),
            tool("cancel", "Cancel", () => act(job.id, "cancel")),
        ];
    }
    return [
        ...(job.summary?.paths?.length ? [named("Show", job, () => deeds.show(job))] : []),
        tool("repeat", "Repeat", () => deeds.repeat(job, "same")),
        ...(job.brief ? [tool("repeat-new", "Repeat with a new seed", () => deeds.repeat(job, "new"))] : []),
        tool("cancel", "Remove from the list", () => act(job.id, "remove")),
    ];
}

/**
 * A button with words, which names its job to a screen reader.
 * @param {string} word
 * @param {Job} job
 * @param {(job: Job) => unknown} deed
 * @param {string} [more]
 */
function named(word, job, deed, more = "") {
    return element("button", { type: "button", class: more, title: word, onclick: () => deed(find(job.id) ?? job) }, word);
}

/**
 * The first picture of a job that has ended, or a sign where there is none.
 * @param {HTMLElement} row
 * @param {Job} job
 * @param {Deeds} deeds
 */
function ended(row, job, deeds) {
    const place = row.querySelector(".picture");
    if (!place || !job.summary?.paths?.some(Boolean)) return;
    const number = job.summary.paths.findIndex(Boolean);
    const picture = element("img", { alt: "", loading: "lazy", decoding: "async",
        src: `webui/jobs/${encodeURIComponent(job.id)}/thumbnail?number=${number}` });
    picture.onerror = () => picture.remove();
    const count = job.summary.paths.length;
    place.append(element("button", { type: "button", class: "plain", title: "Show", "aria-label": "Show", tabIndex: -1,
        onclick: () => deeds.show(job) },
        picture, count > 1 && element("span", { class: "count" }, `${count}`)));
}
