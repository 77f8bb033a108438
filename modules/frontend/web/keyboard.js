// @ts-check
// The keys: Ctrl+Enter generates, Alt+Enter skips, Esc interrupts, Ctrl+Up and Ctrl+Down weigh words, Up and Down count a seed.
import { reweighted } from "./attention.js";
import { current, interrupt, skip } from "./jobs.js";
import { replace } from "./prompt.js";

export function startKeyboard() {
    document.addEventListener("keydown", pressed, true);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
    if (event.isComposing) return;
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && (command || event.altKey)) act(event, () => (event.altKey ? skip() : generate()));
    else if (event.key === "Escape" && current() && !inPopup(event)) act(event, interrupt);
    else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && event.target instanceof HTMLElement) arrows(event, command);
}

/** @param {KeyboardEvent} event @param {() => unknown} what */
function act(event, what) {
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) what();
}

function generate() {
    document.getElementById("txt2img_generate")?.click();
}

/** Whether Esc is meant for something that is open: a list, the picture in full screen. @param {KeyboardEvent} event */
function inPopup(event) {
    if (document.fullscreenElement) return true;
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
    } else if (!command && /** @type {HTMLElement} */ (field).closest("#txt2img_seed")) {
        const input = /** @type {HTMLInputElement} */ (field);
        if (!/^-?\d+$/.test(input.value.trim())) return;
        event.preventDefault();
        const next = BigInt(input.value.trim()) + BigInt(direction); // a seed may be larger than a number is exact
        replace(/** @type {any} */ (input), 0, input.value.length, String(next < -1n ? -1n : next));
    }
}
