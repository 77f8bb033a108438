// @ts-check
// The prompt boxes: token counters, clearing, pictures dropped onto them.
import { ask } from "./jobs.js";
import { say } from "./notices.js";

const PAUSE = 250; // milliseconds without typing before tokens are counted
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

/** Have Gradio read an infotext into the fields, as its paste button does with the prompt. @param {string} text */
export function readDropped(text) {
    dropped = text;
    document.getElementById("paste")?.click();
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
        if (text) readDropped(text);
        else say(`There is no infotext in '${file.name}'.`, "Pictures that this program saved carry one.");
    }, true);
}

/** @param {File} file @returns {Promise<string>} its infotext, empty if it has none */
async function infotextOf(file) {
    const answer = await ask("webui/infotext", { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
    return (answer?.ok && (await answer.json()).infotext) || "";
}

/** How many tokens the prompt beside it has, and how many fit. Counted by the program, a moment after typing ends. */
class Tokens extends HTMLElement {
    connectedCallback() {
        const row = this.closest(".prompt-row");
        const steps = `#${row?.id.split("_")[0]}_steps`;
        this.prompt = () => row?.querySelector("textarea")?.value ?? "";
        this.steps = () => {
            const field = /** @type {HTMLInputElement | null} */ (document.querySelector(`${steps} input[type=number]`));
            return Number(field?.value) || 20;
        };
        this.listen = (/** @type {Event} */ event) => {
            if (event.target instanceof Element && (row?.contains(event.target) || event.target.closest(steps))) this.soon();
        };
        document.addEventListener("input", this.listen, true);
        this.timer = window.setInterval(() => this.look(), 500);
    }

    disconnectedCallback() {
        document.removeEventListener("input", /** @type {any} */ (this.listen), true);
        clearInterval(this.timer);
    }

    /** What the program puts into the prompt comes without an event. */
    look() {
        if (!this.pause && this.prompt?.() !== (this.counted ?? "")) this.soon(0);
    }

    soon(pause = PAUSE) {
        clearTimeout(this.pause);
        this.pause = window.setTimeout(() => this.count(), pause);
    }

    async count() {
        this.pause = 0;
        const prompt = (this.counted = this.prompt?.() ?? "");
        const answer = await ask("webui/tokens", {
            method: "POST",
            body: JSON.stringify({ prompt, steps: this.steps?.() }),
            headers: { "Content-Type": "application/json" },
        });
        if (!answer?.ok || prompt !== this.counted) return;
        const { used, limit, problem } = await answer.json();
        this.textContent = `${used}/${limit}`;
        this.title = problem ?? `${used} tokens of ${limit}`;
        this.classList.toggle("problem", Boolean(problem));
    }
}

customElements.define("webui-tokens", Tokens);
