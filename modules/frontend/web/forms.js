// @ts-check
// The forms of txt2img and img2img as a whole: which is in front, in which mode, and what their parts of our own add to a request.
import { call } from "./server.js";
import { owner } from "./owner.js";
import { box, replace } from "./prompt.js";
import { say } from "./notices.js";
import { changes, all, over } from "./jobs.js";

/** @typedef {"txt2img" | "img2img"} FormTab */

/** What the parts of a form add to its request, by the name under which the program looks for it. @type {Map<FormTab, Map<string, () => unknown>>} */
const parts = new Map();

/** Have a part's value sent along with a form. @param {FormTab} tab @param {string} name @param {() => unknown} value may be a promise */
export function contribute(tab, name, value) {
    if (!parts.has(tab)) parts.set(tab, new Map());
    parts.get(tab)?.set(name, value);
}

/** The values of a form on their way to the program, the last of them what its parts of our own hold. @param {FormTab} tab @param {unknown[]} values */
export async function collect(tab, values) {
    /** @type {Record<string, unknown>} */
    const held = { owner: await owner() };
    for (const [name, value] of parts.get(tab) ?? []) held[name] = await value();
    const canvas = tab === "img2img" ? /** @type {any} */ (window).webui.canvas?.("img2img") : undefined;
    if (canvas) held.canvas = await canvas.value();
    return [...values.slice(0, -1), JSON.stringify(held)];
}

/** Put what an infotext says of extensions into their panels. @param {FormTab} tab @param {string} text JSON of the options by extension */
export function pastePanels(tab, text) {
    const panels = /** @type {any} */ (document.querySelector(`webui-script[data-tab="${tab}"]`));
    if (text) panels?.add(JSON.parse(text).options);
    return [];
}

const INPAINT = /^inpaint/;

const PATIENCE = 2000; // milliseconds
/** The mode that the page chose, and until when it is insisted upon: Gradio gives a radio that it has just built its first value. */
let insisted = { mode: "", until: 0 };

/** Show what belongs to the mode of img2img that the radio has come to stand at. @param {string} mode */
export function mode(mode) {
    if (performance.now() < insisted.until && mode !== insisted.mode) return [];
    show(mode);
    return [];
}

/** @param {string} mode */
function show(mode) {
    document.body.dataset.mode = mode;
    const canvas = /** @type {any} */ (window).webui.canvas?.("img2img");
    if (canvas && mode !== "batch" && canvas.mode !== mode) canvas.mode = mode;
    showDoor();
}

/** Choose a mode of img2img as a click on it does. @param {string} wanted */
function chooseMode(wanted) {
    insisted = { mode: wanted, until: performance.now() + PATIENCE };
    const look = () => {
        const inputs = [.../** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("#img2img_mode input[type=radio]"))];
        const input = inputs.find((each) => each.value === wanted);
        if (input && !input.checked) input.click();
        if (insisted.mode === wanted && performance.now() < insisted.until) setTimeout(look, 100);
    };
    look();
    show(wanted);
}

/** Inpaint has a tab of its own on top, which opens the img2img form in its inpaint mode: one form with two doors. */
function openDoor(/** @type {MouseEvent} */ event) {
    if (event.isTrusted && event.target instanceof Element && event.target.closest("#img2img_mode")) insisted.until = 0;
    const door = event.target instanceof Element ? event.target.closest("#tab_inpaint-button, #tab_img2img-button") : null;
    if (!door) return;
    const inpaint = door.id === "tab_inpaint-button";
    if (inpaint) {
        event.preventDefault();
        event.stopPropagation();
        document.getElementById("tab_img2img-button")?.click();
        whenShown("#img2img_mode input", () => !INPAINT.test(document.body.dataset.mode ?? "") && chooseMode("inpaint"));
    } else if (event.isTrusted && INPAINT.test(document.body.dataset.mode ?? "")) {
        whenShown("#img2img_mode input", () => chooseMode("img2img"));
    }
}

/** @param {string} selector @param {() => unknown} act once it is in the page */
function whenShown(selector, act) {
    const look = () => (document.querySelector(selector) ? act() : requestAnimationFrame(look));
    look();
}

/** The tab on top that stands for the mode looks chosen. */
function showDoor() {
    const front = document.getElementById("tab_img2img-button")?.getAttribute("aria-selected") === "true"
        || document.getElementById("tab_img2img-button")?.classList.contains("selected");
    const inpaint = Boolean(front) && INPAINT.test(document.body.dataset.mode ?? "");
    document.body.classList.toggle("inpaint-door", inpaint);
}

/** Note which form is, or was last, in front. */
function watchTabs() {
    const strip = document.querySelector("#tabs .tab-wrapper");
    if (!strip) return;
    const look = () => {
        const chosen = strip.querySelector("button.selected")?.id.replace(/^tab_|-button$/g, "");
        if (chosen) document.body.dataset.tab = chosen;
        if (chosen === "txt2img" || chosen === "img2img") document.body.dataset.form = chosen;
        showDoor();
    };
    new MutationObserver(look).observe(strip, { subtree: true, attributes: true, attributeFilter: ["class", "aria-selected"] });
    look();
}

/** The size of the picture on the canvas. @param {FormTab} tab @returns {[number, number] | undefined} */
export function pictureSize(tab) {
    const picture = /** @type {any} */ (window).webui.canvas?.(tab)?.picture();
    if (!picture) say("There is no picture to measure.");
    return picture ? [picture.width, picture.height] : undefined;
}

/** Put a description of the picture on the canvas at the end of the prompt. @param {"clip" | "deepdanbooru"} model */
export async function describe(model) {
    const held = await /** @type {any} */ (window).webui.canvas?.("img2img")?.value();
    if (!held?.picture) {
        say("There is no picture to describe.", "Drop one on the canvas, paste it, or choose a file.");
        return [];
    }
    const job = await call("webui/captions", { json: { picture: held.picture, model, owner: await owner() } });
    if (job) await ended(job.id, (done) => append("img2img_prompt", done.summary?.caption ?? ""));
    return [];
}

/** @param {string} id @param {(job: any) => void} act with the job once it has ended */
function ended(id, act) {
    const look = () => {
        const job = all().find((each) => each.id === id);
        if (!job || !over(job)) return;
        changes.removeEventListener("change", look);
        if (job.error) say(job.error, job.hint);
        else act(job);
    };
    changes.addEventListener("change", look);
}

/** @param {string} id @param {string} words */
function append(id, words) {
    const field = box(id);
    if (field && words) replace(field, field.value.length, field.value.length, field.value ? `, ${words}` : words);
}

/** A picture that is sent to the canvas may bring its mode along. */
function followCanvas() {
    whenShown("webui-canvas[data-name=img2img]", () => {
        const look = () => {
            const canvas = /** @type {any} */ (window).webui.canvas?.("img2img");
            if (!canvas) return setTimeout(look, 50);
            canvas.addEventListener("mode", () => chooseMode(canvas.mode));
            canvas.mode = document.body.dataset.mode === "batch" ? "img2img" : document.body.dataset.mode;
        };
        look();
    });
}

export function startForms() {
    followCanvas();
    document.addEventListener("click", openDoor, true);
    document.body.dataset.form = "txt2img";
    document.body.dataset.mode = "img2img";
    watchTabs();
    document.addEventListener("webui-choose-checkpoint", (event) => {
        const asked = box("webui_asked_checkpoint");
        if (!asked) return;
        asked.value = /** @type {CustomEvent} */ (event).detail;
        asked.dispatchEvent(new Event("input", { bubbles: true }));
        setTimeout(() => document.getElementById("change_checkpoint")?.click());
    });
    document.addEventListener("webui-styles-changed", () => document.getElementById("refresh_sd_model_checkpoint")?.click());
}
