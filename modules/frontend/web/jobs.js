// @ts-check
// The list of jobs as the server tells it. One tab holds the event stream and passes it on to the others: a browser allows six
// connections to a server, and a stream for each tab would leave the seventh tab waiting for ever.
import { owner } from "./owner.js";

/**
 * @typedef {object} Job
 * @property {string} id
 * @property {string} owner
 * @property {string} title
 * @property {string} state "queued", "running", "done", "interrupted", "cancelled" or "failed"
 * @property {number} [position] how many run before it
 * @property {number} [done] steps
 * @property {number} [total] steps
 * @property {number | null} [seconds_left]
 * @property {string} [text] what is being done
 * @property {number} [preview] number of the newest preview, 0 for none
 * @property {string | null} [error]
 * @property {string | null} [hint]
 * @property {number} [created]
 * @property {number | null} [ended]
 * @property {any} [summary]
 */

const STREAM = "webui/events";
const RETRY = 2000;

/** @type {Map<string, Job>} in the order in which they were queued */
const known = new Map();
/** Jobs that this page shows though another tab or an API client may own them. @type {Set<string>} */
const adopted = new Set();
const channel = new BroadcastChannel("webui-events");
let me = "";
export let connected = true;

/** Dispatches "change" after each event, and "ended" with the job as its detail. */
export const changes = new EventTarget();

/** @param {Job} job */
export const over = (job) => job.state !== "queued" && job.state !== "running";
/** @returns {Job[]} */
export const all = () => [...known.values()];
/** @param {Job} job */
export const mine = (job) => (me !== "" && job.owner === me) || adopted.has(job.id);
/** @returns {Job | undefined} the job this page is busy with: its running one, or its first that waits */
export const current = () => {
    const open = all().filter((job) => mine(job) && !over(job));
    return open.find((job) => job.state === "running") ?? open[0];
};

/** Begin to listen; settles once the list is there. */
export async function start() {
    me = await owner();
    channel.onmessage = ({ data }) => receive(data);
    follow();
    await refresh();
}

/** Ask for the whole list: at the start, and when this tab may have missed something. */
export async function refresh() {
    const answer = await ask("webui/jobs");
    if (!answer?.ok) return;
    for (const line of await answer.json()) learn(jobOf(line), { quiet: true });
    changes.dispatchEvent(new Event("change"));
}

/** Show a job on this page, whoever owns it. @param {string} id */
export async function adopt(id) {
    if (!id) return [];
    adopted.add(id);
    if (!known.has(id)) await fetchJob(id);
    changes.dispatchEvent(new Event("change"));
    return [];
}

/** @param {string} id */
async function fetchJob(id) {
    const answer = await ask(`webui/jobs/${encodeURIComponent(id)}`);
    if (answer?.ok) learn(jobOf(await answer.json()));
}

/** A job as the server's lists show it, with its progress beside the rest. @param {any} line @returns {Job} */
function jobOf(line) {
    const { progress, request, ...job } = line;
    if (!progress) return job;
    const { done, total, seconds_left, text, preview_number } = progress;
    return { ...job, done, total, seconds_left, text, preview: preview_number };
}

/** Stop the current job and keep what it has; one that only waits is taken out of the queue. */
export async function interrupt() {
    const job = current();
    if (job) await act(job.id, "interrupt");
    return [];
}

/** End the current batch and go on with the next. */
export async function skip() {
    const job = current();
    if (job?.state === "running") await act(job.id, "skip");
    return [];
}

/** @param {string} id @param {"skip" | "interrupt" | "cancel" | "remove"} action */
export async function act(id, action) {
    const answer = await ask(`webui/jobs/${encodeURIComponent(id)}/${action}`, { method: "POST" });
    if (answer?.ok && action === "remove") {
        known.delete(id);
        share({ type: "removed", job: id });
    }
    changes.dispatchEvent(new Event("change"));
}

/**
 * A request to the program's own routes; undefined if the server is not there.
 * @param {string} path
 * @param {RequestInit} [more]
 * @returns {Promise<Response | undefined>}
 */
export function ask(path, more = {}) {
    const headers = { "X-Requested-With": "webui", ...(more.headers ?? {}) };
    return fetch(path, { cache: "no-store", ...more, headers }).catch(() => undefined);
}

/** One tab at a time streams. Without locks each does, while it is looked at. */
function follow() {
    if (navigator.locks) {
        navigator.locks.request("webui-events", () => new Promise(() => stream(share)));
        return;
    }
    /** @type {(() => void) | undefined} */
    let stop;
    const update = () => {
        if (document.visibilityState === "visible") stop ??= stream(receive);
        else stop = void stop?.();
    };
    document.addEventListener("visibilitychange", update);
    update();
}

/** Take an event in here and in the other tabs. @param {any} event */
function share(event) {
    channel.postMessage(event);
    receive(event);
}

/**
 * @param {(event: any) => void} take
 * @returns {() => void} ends it
 */
function stream(take) {
    let source = open();
    let retry = 0;
    function open() {
        const opened = new EventSource(STREAM);
        opened.onmessage = ({ data }) => take(JSON.parse(data));
        opened.onerror = () => {
            take({ type: "offline" });
            if (opened.readyState === EventSource.CLOSED) retry = window.setTimeout(() => (source = open()), RETRY);
        };
        return opened;
    }
    return () => {
        clearTimeout(retry);
        source.close();
    };
}

/** @param {any} event */
function receive(event) {
    connected = event.type !== "offline";
    if (event.type === "snapshot") snapshot(event.jobs);
    else if (event.type === "removed") known.delete(event.job);
    else if (event.job) apply(event);
    changes.dispatchEvent(new Event("change"));
}

/** The open jobs as they are. Those that were open here and are no longer ended while nobody listened. @param {any[]} lines */
function snapshot(lines) {
    const open = new Set(lines.map((line) => line.id));
    for (const line of lines) learn(jobOf(line));
    for (const job of all()) if (!over(job) && !open.has(job.id)) fetchJob(job.id);
}

/** @param {any} event one of contract.progress, with the job's id */
function apply(event) {
    const { type, job: id, ...values } = event;
    const job = known.get(id);
    if (!job) {
        fetchJob(id);
        return;
    }
    if (over(job)) return; // a late step or preview of a job that has ended
    if (type === "queued") learn({ ...job, ...values, state: "queued" });
    if (type === "started") learn({ ...job, ...values, position: 0, state: "running" });
    if (type === "stepped") learn({ ...job, ...values, state: "running" });
    if (type === "previewed") learn({ ...job, preview: values.number });
    if (type === "finished") learn({ ...job, ...values, ended: Date.now() / 1000 });
    if (type === "failed") learn({ ...job, error: values.message, hint: values.hint, state: "failed", ended: Date.now() / 1000 });
    if (type === "cancelled") learn({ ...job, state: "cancelled", ended: Date.now() / 1000 });
}

/** @param {Job} job @param {{quiet?: boolean}} [how] quiet: the job's end is no news */
function learn(job, { quiet = false } = {}) {
    const before = known.get(job.id);
    if (before && over(before)) return;
    known.set(job.id, { ...before, ...job });
    if (over(job) && !quiet && mine(job)) changes.dispatchEvent(new CustomEvent("ended", { detail: job }));
}
