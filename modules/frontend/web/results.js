// @ts-check
// The pictures of a job that has ended: fetched when it ends or when the page comes back, and what can be done with them.
import { ask, changes } from "./jobs.js";
import { say } from "./notices.js";
import { owner } from "./owner.js";
import { readDropped } from "./prompt.js";

const PATIENCE = 3000; // milliseconds until a result is no longer waited for

/** The job whose result is asked for; Gradio's event reads it. */
export let wanted = "";
/** Whether a result is on its way into the panel; until then its last preview stays. */
export let coming = false;

/** Put a job's result into the panel. @param {string} id */
export async function show(id) {
    wanted = id;
    coming = true;
    document.getElementById("txt2img_show")?.click();
    const end = performance.now() + PATIENCE;
    while (wanted === id && performance.now() < end && !arrived(id)) await new Promise((resolve) => setTimeout(resolve, 30));
    if (wanted !== id) return; // another one is on its way
    coming = false;
    changes.dispatchEvent(new Event("change"));
}

/** @param {string} id @returns {boolean} whether the panel shows this job, pictures and all */
function arrived(id) {
    const pictures = [...document.querySelectorAll("#txt2img_gallery .preview img")];
    return info().job === id && pictures.every((each) => /** @type {HTMLImageElement} */ (each).complete);
}

/** A reloaded or reopened page shows its last result again. */
export async function restore() {
    changes.addEventListener("ended", (event) => {
        const job = /** @type {CustomEvent} */ (event).detail;
        if (job.state === "failed") say(job.error, job.hint);
        else if (job.state !== "cancelled") show(job.id);
    });
    const answer = await ask(`webui/jobs?owner=${encodeURIComponent(await owner())}`);
    if (!answer?.ok) return;
    const last = (await answer.json()).filter((/** @type {any} */ job) => job.summary?.paths?.length).pop();
    if (last) show(last.id);
}

/** @returns {number} which picture is selected, counted from 0 */
export function selected() {
    const thumbnails = [...document.querySelectorAll("#txt2img_gallery .thumbnails .thumbnail-item")];
    return Math.max(0, thumbnails.findIndex((each) => each.classList.contains("selected")));
}

/** @returns {any} what A1111 calls the generation info */
function info() {
    const box = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#generation_info_txt2img textarea, #generation_info_txt2img input"));
    return JSON.parse(box?.value || "{}");
}

/** @param {string} text the generation info @returns {string | undefined} the seed of the selected picture */
export function seed(text) {
    const seeds = JSON.parse(text || "{}").all_seeds ?? [];
    return seeds[selected()]?.toString();
}

/** Hand the selected picture to the browser's downloads, under its own name. */
export function download() {
    const pictures = [...document.querySelectorAll("#txt2img_gallery .thumbnails img, #txt2img_gallery .grid-wrap img")];
    const picture = /** @type {HTMLImageElement | undefined} */ (pictures[selected()]);
    if (!picture) return [];
    const link = document.createElement("a");
    link.href = picture.src;
    link.download = decodeURIComponent(new URL(picture.src).pathname.split("/").pop() ?? "");
    link.click();
    return [];
}

/** Put the selected picture's infotext into the fields. */
export function sendToFields() {
    const text = info().infotexts?.[selected()];
    if (text) readDropped(text);
    return [];
}
