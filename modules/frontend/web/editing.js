// @ts-check
// A waiting job opened in a form: the form has its settings, the job is held back, and what Generate queues next takes its place.
import { sendPicture, showTab } from "./actions.js";
import { element } from "./dom.js";
import { put } from "./fields.js";
import { changes, find, formOf, over } from "./jobs.js";
import { say } from "./notices.js";
import { call } from "./server.js";

/** @typedef {{id: string, tab: "txt2img" | "img2img", begun: number}} Editing */

const KEPT = "webui-editing";
const PATIENCE = 5000; // milliseconds until the list of jobs must know the one that is edited

/** @returns {Editing | undefined} what this tab edits; a reload does not end it */
const edited = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "null") ?? undefined;

/** Put a waiting job's request into its form, and hold the job until Generate replaces it. @param {import("./jobs.js").Job} job */
export async function editInForm(job) {
    const address = `webui/jobs/${encodeURIComponent(job.id)}`;
    const form = await call(`${address}/form`);
    if (!form || !(await call(`${address}/hold`, { method: "POST" }))) return;
    const tab = form.mode === "txt2img" ? "txt2img" : "img2img";
    sessionStorage.setItem(KEPT, JSON.stringify({ id: job.id, tab, begun: Date.now() }));
    showTab(tab);
    if (tab === "img2img") await showPictures(address, form.mode);
    put(tab, form.values);
    const scripts = /** @type {any} */ (document.querySelector(`webui-script[data-tab="${tab}"]`));
    scripts?.put?.(form.extensions);
    draw();
}

/** @param {string} address @param {"img2img" | "inpaint"} mode */
async function showPictures(address, mode) {
    const fetched = async (/** @type {string} */ part) => {
        const answer = await fetch(`${address}/source?part=${part}`);
        return answer.ok ? answer.blob() : undefined;
    };
    const picture = await fetched("picture");
    if (!picture) return void say("The picture that this job starts from could not be fetched.");
    await sendPicture(picture, mode);
    if (mode !== "inpaint") return;
    const mask = await fetched("mask");
    if (mask) await /** @type {any} */ (window).webui.canvas?.("img2img")?.loadMask(mask);
}

/** @param {boolean} [letGo] whether the job is to run as it was */
function leave(letGo = false) {
    const now = edited();
    sessionStorage.removeItem(KEPT);
    draw();
    if (now && letGo) call(`webui/jobs/${encodeURIComponent(now.id)}/let_go`, { method: "POST" });
}

/** The strip above the form that says so. */
function draw() {
    for (const old of document.querySelectorAll(".editing-strip")) old.remove();
    const now = edited();
    const place = now && document.getElementById(`${now.tab}_toprow`);
    if (!place) return;
    place.before(element("div", { class: "webui editing-strip", role: "status" },
        element("p", {}, "You are changing a job that waits. Generate puts it back into its place in the queue."),
        element("button", { type: "button", onclick: () => leave(true) }, "Leave it as it was")));
}

/** @param {string} id the job that a form has just queued */
async function submitted(id) {
    const now = edited();
    const job = find(id);
    if (!now || !job || formOf(job) !== now.tab) return;
    leave();
    if (find(now.id)?.state === "queued") await call(`webui/jobs/${encodeURIComponent(now.id)}/replace`, { json: { by: id } });
}

/** Somebody let it run, or took it out of the queue. */
function look() {
    const now = edited();
    if (!now) return;
    const job = find(now.id);
    if (!document.querySelector(".editing-strip")) draw(); // its form was not built yet
    const gone = !job ? Date.now() - now.begun > PATIENCE : over(job) || job.state === "running";
    const free = job && !job.held && Date.now() - now.begun > PATIENCE;
    if (!gone && !free) return;
    leave();
    say("The job that you were changing is no longer held back.", "Generate now queues a new one.");
}

export function startEditing() {
    changes.addEventListener("submitted", (event) => submitted(/** @type {CustomEvent} */ (event).detail));
    changes.addEventListener("change", look);
    const now = edited();
    if (now) sessionStorage.setItem(KEPT, JSON.stringify({ ...now, begun: Date.now() }));
    draw();
}
