// @ts-check
// The keys: Ctrl+Enter generates, Alt+Enter skips, Esc interrupts, Ctrl+Up and Ctrl+Down weigh words, Alt+Left and Alt+Right move what
// stands between commas, Up and Down count a seed.
import { formTab } from "./actions.js";
import { reweighted } from "./attention.js";
import { current, interrupt, skip } from "./jobs.js";
import { setting } from "./page_settings.js";
import { replace } from "./prompt.js";
import { movedPart } from "./prompt_parts.js";

export function startKeyboard() {
    document.addEventListener("keydown", pressed, true);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
    if (event.isComposing) return;
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && (command || event.altKey) && !inDialog(event)) act(event, () => (event.altKey ? skip() : generate()));
    else if (event.key === "Escape" && current() && !inPopup(event)) act(event, () => interrupt());
    else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && event.target instanceof HTMLElement) arrows(event, command);
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && event.altKey && !command && !event.shiftKey) moves(event);
}

/** @param {KeyboardEvent} event @param {() => unknown} what */
function act(event, what) {
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) what();
}

/** Press the Generate button of the form that is in front; in another tab there is nothing to generate. */
function generate() {
    const tab = document.body.dataset.tab;
    if (tab && tab !== "txt2img" && tab !== "img2img") return;
    document.getElementById(`${formTab()}_generate`)?.click();
}

/** Whether a key is meant for a field of our own that has its own use for it. @param {KeyboardEvent} event */
function inDialog(event) {
    return event.target instanceof Element && event.target.closest("dialog, .editor") !== null;
}

/** Move what stands between commas at the caret. @param {KeyboardEvent} event */
function moves(event) {
    const field = event.target;
    if (!(field instanceof HTMLTextAreaElement) || !field.closest(".prompt") || !setting("keyedit_move", true)) return;
    event.preventDefault(); // the browser would go back a page
    const change = movedPart(field.value, field.selectionStart, field.selectionEnd, event.key === "ArrowLeft" ? -1 : 1);
    if (!change) return;
    replace(field, change.start, change.end, change.text);
    field.setSelectionRange(change.from, change.to);
}

/** Whether Esc is meant for something that is open: a list, the picture in full screen. @param {KeyboardEvent} event */
function inPopup(event) {
    if (document.fullscreenElement || document.querySelector("dialog[open], .webui-menu, .chunks")) return true;
    return event.target instanceof Element && event.target.closest("[role=listbox]") !== null
        || event.target instanceof Element && event.target.getAttribute("aria-expanded") === "true";
}

/** @param {KeyboardEvent} event @param {boolean} command */
function arrows(event, command) {
    const field = event.target;
    const direction = event.key === "ArrowUp" ? 1 : -1;
    if (field instanceof HTMLTextAreaElement && command && field.closest(".prompt")) {
        event.preventDefault();
        const change = reweighted(field.value, field.selectionStart, field.selectionEnd, direction);
        if (!change) return;
        replace(field, change.start, change.end, change.text);
        field.setSelectionRange(change.from, change.to);
    } else if (!command && /** @type {HTMLElement} */ (field).closest(".seed")) {
        const input = /** @type {HTMLInputElement} */ (field);
        if (!/^-?\d+$/.test(input.value.trim())) return;
        event.preventDefault();
        const next = BigInt(input.value.trim()) + BigInt(direction); // a seed may be larger than a number is exact
        replace(/** @type {any} */ (input), 0, input.value.length, String(next < -1n ? -1n : next));
    }
}
