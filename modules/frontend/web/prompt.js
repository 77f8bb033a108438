// @ts-check
// The prompt boxes: clearing, pictures dropped onto them.
import { ask } from "./jobs.js";
import { say } from "./notices.js";

const LARGEST = 64 * 2 ** 20;

/** @param {string} id of a Gradio text field @returns {HTMLTextAreaElement | null} */
export const box = (id) => document.querySelector(`#${id} textarea, #${id} input`);

/** Text put in by the page rather than typed; what reads it next takes it. @type {string | undefined} */
let dropped;
export function takeDropped() {
    const text = dropped;
    dropped = undefined;
    return text;
}

/** Have Gradio read an infotext into the fields, as its paste button does with the prompt. @param {string} text @param {string} [tab] */
export function readDropped(text, tab = "txt2img") {
    dropped = text;
    document.querySelector(`#tab_${tab} .paste-button`)?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
}

/** Empty both prompts; the browser's undo brings them back. @param {string} tab */
export function clear(tab) {
    for (const id of [`${tab}_neg_prompt`, `${tab}_prompt`]) {
        const field = box(id);
        if (!field?.value) continue;
        replace(field, 0, field.value.length, "");
    }
    return [];
}

/**
 * Replace a part of a field's text as typing would, so that undo works and Gradio hears of it.
 * @param {HTMLTextAreaElement} field
 * @param {number} start
 * @param {number} end
 * @param {string} text
 */
export function replace(field, start, end, text) {
    field.focus();
    field.setSelectionRange(start, end);
    if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
    field.setRangeText(text, start, end, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** A picture dropped on a prompt gives its infotext, a text file its text. */
export function startDrops() {
    const over = (/** @type {DragEvent} */ event) =>
        event.dataTransfer?.types.includes("Files") && event.target instanceof Element && event.target.closest(".prompt.block");
    const mark = (/** @type {Element | null | false | undefined} */ prompt) => {
        for (const each of document.querySelectorAll(".prompt.block")) each.classList.toggle("dropped-on", each === prompt);
    };
    document.addEventListener("dragleave", () => mark(null), true);
    document.addEventListener("dragover", (event) => {
        mark(over(event));
        if (!over(event)) return;
        event.preventDefault();
        event.stopPropagation();
        if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    }, true);
    document.addEventListener("drop", async (event) => {
        mark(null);
        const file = event.dataTransfer?.files[0];
        if (!file || !over(event)) return;
        event.preventDefault();
        event.stopPropagation();
        const text = file.size > LARGEST ? "" : file.type.startsWith("text/") ? await file.text() : await infotextOf(file);
        if (text) readDropped(text, event.target instanceof Element && event.target.closest("#tab_img2img") ? "img2img" : "txt2img");
        else say(`There is no infotext in '${file.name}'.`, "Pictures that this program saved carry one.");
    }, true);
}

/** @param {File} file @returns {Promise<string>} its infotext, empty if it has none */
async function infotextOf(file) {
    const answer = await ask("webui/infotext", { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
    return (answer?.ok && (await answer.json()).infotext) || "";
}
