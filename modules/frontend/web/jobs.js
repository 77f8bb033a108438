// @ts-check
// The list of jobs as the server tells it. One tab holds the event stream and passes it on to the others: a browser allows six
// connections to a server, and a stream for each tab would leave the seventh tab waiting for ever.
import { owner } from "./owner.js";
import { setting } from "./page_settings.js";

/**
 * @typedef {object} Job
 * @property {string} id
 * @property {string} owner
 * @property {string} kind what does it: "txt2img", "img2img", "batch", "extras", "merge" ...
 * @property {string} [mode] the kind as a person calls it: "inpaint" is one of img2img's
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
 * @property {number | null} [started]
 * @property {number | null} [ended]
 * @property {boolean} [held] it waits until somebody lets it go
 * @property {boolean} [finishing] it ends after the picture it is at
 * @property {any} [brief] the numbers of its request
 * @property {any} [summary]
 */

const STREAM = "webui/events";
const RETRY = 2000;

/** Which form shows the pictures of a kind of job. @type {Record<string, "txt2img" | "img2img">} */
const FORMS = { txt2img: "txt2img", img2img: "img2img", batch: "img2img" };
/** @type {Map<string, Job>} in the order in which they run, or were queued */
const known = new Map();
/** Jobs that this page shows though another tab or an API client may own them. @type {Set<string>} */
const adopted = new Set();
const channel = new BroadcastChannel("webui-events");
let me = "";
export let connected = true;
/** Whether the program begins no further jobs. */
export let paused = false;

/**
 * Dispatches "change" after each event, "ended" with the job of this page as its detail, "submitted" with the id of a job that a form
 * has queued, "removed" with the id of one that is off the list, "cleared" when all ended ones are, "models" when a file has come among
 * the models, and "training" with the id of a training whose state has changed.
 */
export const changes = new EventTarget();

/** @param {Job} job */
export const over = (job) => job.state !== "queued" && job.state !== "running";
/** @returns {Job[]} */
export const all = () => [...known.values()];
/** @param {string} id @returns {Job | undefined} the job as it is now */
export const find = (id) => known.get(id);
/** @param {Job} job */
export const mine = (job) => (me !== "" && job.owner === me) || adopted.has(job.id);
/** The form that shows a job's pictures. @param {Job} job @returns {"txt2img" | "img2img" | undefined} */
export const formOf = (job) => FORMS[job.kind];
/** @returns {Job[]} those that wait or run: first what runs, then the others in their order */
export const open = () => all().filter((job) => !over(job)).sort((one,
    other) => Number(other.state === "running") - Number(one.state === "running"));
/**
 * The job that this page's forms are busy with: the running one, or the first that waits.
 * @param {string} [form] only that form's
 * @returns {Job | undefined}
 */
export const current = (form) => open().find((job) => mine(job) && formOf(job) && (!form || formOf(job) === form));

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
    const queue = await ask("webui/queue");
    if (queue?.ok) {
        const now = await queue.json();
        paused = now.paused;
        reorder(now.order);
    }
    changed();
}

const changed = () => changes.dispatchEvent(new Event("change"));
/** @param {string} name @param {unknown} detail */
const tell = (name, detail) => changes.dispatchEvent(new CustomEvent(name, { detail }));

/** Take up a job that a form of this page has just queued. @param {string} id */
export async function adopt(id) {
    if (!id) return [];
    await claim(id);
    tell("submitted", id);
    return [];
}

/** Show a job on this page, whoever owns it. @param {string} id */
export async function claim(id) {
    adopted.add(id);
    if (known.has(id)) changed();
    else await fetchJob(id);
}

/** @param {string} id */
async function fetchJob(id) {
    const answer = await ask(`webui/jobs/${encodeURIComponent(id)}`);
    if (!answer?.ok) return;
    learn(jobOf(await answer.json()));
    changed();
}

/** A job as the server's lists show it, with its progress beside the rest. @param {any} line @returns {Job} */
function jobOf(line) {
    const { progress, request, ...job } = line;
    if (!progress) return job;
    const { done, total, seconds_left, text, preview_number, finishing } = progress;
    return { ...job, done, total, seconds_left, text, finishing, preview: preview_number };
}

/**
 * Stop the current job and keep what it has; one that only waits is taken out of the queue. Where several pictures are made the
 * first call lets the one that is being made become ready, and the second stops at once.
 * @param {string} [form] only that form's job
 */
export async function interrupt(form) {
    const job = current(form);
    if (job) await stop(job);
    return [];
}

/** @param {Job} job */
export async function stop(job) {
    const gentle = job.state === "running" && !job.finishing && several(job) && setting("interrupt_after_current", true);
    if (gentle) learn({ ...job, finishing: true }); // said at once; the program confirms it
    changed();
    await act(job.id, gentle ? "finish" : "interrupt");
}

/** Whether a job makes pictures one after another: by its batches, or by steps that are too many for one. @param {Job} job */
function several(job) {
    const { batch_count = 1, steps = 1, work = 0, size = [1, 1], batch_size = 1 } = job.brief ?? {};
    const most = Math.max(steps, work / (size[0] * size[1] * batch_size)) * 2; // some samplers count each step twice
    return batch_count > 1 || job.kind === "batch" || (job.brief?.more && (job.total ?? 0) > most);
}

/** End the current batch and go on with the next. @param {string} [form] only that form's job */
export async function skip(form) {
    const job = current(form);
    if (job?.state === "running") await act(job.id, "skip");
    return [];
}

/** @param {string} id @param {"skip" | "finish" | "interrupt" | "cancel" | "remove"} action */
export async function act(id, action) {
    const answer = await ask(`webui/jobs/${encodeURIComponent(id)}/${action}`, { method: "POST" });
    if (answer?.ok && action === "remove") receive({ type: "removed", job: id });
    changed();
}

/** Have the waiting jobs stand in another order here, before the program confirms it. @param {string[]} order ids */
export function arrange(order) {
    reorder(order);
    changed();
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
    if (event.type === "snapshot") snapshot(event);
    else if (event.type === "removed") {
        known.delete(event.job);
        tell("removed", event.job);
    } else if (event.type === "moved") reorder(event.order);
    else if (event.type === "paused") paused = event.paused;
    else if (event.type === "cleared") {
        for (const job of all()) if (over(job)) known.delete(job.id);
        tell("cleared", null);
    } else if (event.type === "models_changed") tell("models", null);
    else if (event.type === "training_changed") tell("training", event.training);
    else if (event.type === "edited") fetchJob(event.job);
    else if (event.job) apply(event);
    changed();
}

/** @param {string[]} order ids of jobs that wait or run; the others stay in front of them */
function reorder(order) {
    const moved = order.map((id) => known.get(id)).filter((job) => job !== undefined);
    for (const job of moved) known.delete(job.id);
    for (const job of moved) known.set(job.id, job);
}

/**
 * The open jobs as they are. Those that were open here and are no longer ended while nobody listened.
 * @param {{jobs: any[], paused: boolean}} now
 */
function snapshot(now) {
    paused = now.paused;
    const open = new Set(now.jobs.map((line) => line.id));
    for (const line of now.jobs) learn(jobOf(line));
    reorder([...open]);
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
    if (type === "started") learn({ ...job, ...values, position: 0, state: "running", started: job.started ?? Date.now() / 1000 });
    if (type === "finishing") learn({ ...job, finishing: true });
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
    if (over(job) && !quiet && mine(job)) tell("ended", known.get(job.id));
}
