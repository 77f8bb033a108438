// @ts-check
// How many tokens a prompt has: a count beside it, which is red where brackets do not pair, and on a click the prompt in its chunks.
import { element } from "./dom.js";
import { ask } from "./jobs.js";
import { setting } from "./page_settings.js";

const PAUSE = 250; // milliseconds without typing before tokens are counted
const CHUNK = 75;
/** @type {[string, string, string][]} */
const BRACKETS = [["(", ")", "round"], ["[", "]", "square"], ["{", "}", "curly"]];

/** What is wrong with a prompt's brackets, one sentence for each sort. @param {string} text @returns {string} */
export function unpaired(text) {
    const plain = text.replace(/\\./gs, "");
    return BRACKETS.map(([open, close, name]) => {
        let depth = 0;
        let stray = 0;
        for (const sign of plain) {
            if (sign === open) depth++;
            else if (sign === close && depth > 0) depth--;
            else if (sign === close) stray++;
        }
        return [depth && `${depth} ${name} not closed`, stray && `${stray} ${name} never opened`].filter(Boolean).join(", ");
    }).filter(Boolean).join("; ");
}

/** `<webui-tokens>`: how many tokens the prompt beside it has, and how many fit. Counted by the program, a moment after typing ends. */
class Tokens extends HTMLElement {
    borders = /** @type {number[]} */ ([]);

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
        this.count_words = element("span", {}, `0/${CHUNK}`);
        this.strip = element("span", { class: "strip", hidden: true, "aria-hidden": "true" });
        this.button = element("button", {
            type: "button", "aria-expanded": "false", "aria-label": "Tokens", onclick: () => (this.panel ? this.fold() : this.unfold()),
        }, this.count_words, this.strip);
        this.replaceChildren(this.button);
        this.hidden = setting("disable_token_counters", false);
        if (this.hidden) return;
        document.addEventListener("input", this.listen, true);
        this.timer = window.setInterval(() => this.look(), 500);
    }

    disconnectedCallback() {
        document.removeEventListener("input", /** @type {any} */ (this.listen), true);
        clearInterval(this.timer);
        this.fold();
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
        const { used, limit, problem, borders } = await answer.json();
        const wrong = problem ?? unpaired(prompt);
        this.borders = borders;
        this.count_words.textContent = `${used}/${limit}`;
        this.button.title = wrong ? `Brackets: ${wrong}` : `${used} tokens of ${limit}`;
        if (problem) this.button.title = problem;
        this.button.setAttribute("aria-label", `${used} tokens of ${limit}${wrong ? `. ${this.button.title}` : ""}`);
        this.classList.toggle("problem", Boolean(wrong));
        this.fill(used, limit);
        if (this.panel) this.write();
    }

    /** A bar for each chunk, as full as it is. @param {number} used @param {number} limit */
    fill(used, limit) {
        const chunks = Math.ceil(limit / CHUNK);
        this.strip.hidden = chunks < 2;
        const part = (/** @type {number} */ number) => Math.min(1, Math.max(0, used / CHUNK - number));
        this.strip.replaceChildren(...Array.from({ length: chunks }, (_, number) => element("i", {}, element("b",
            { style: { width: `${part(number) * 100}%` } }))));
    }

    /** Show the prompt with the borders of its chunks. */
    unfold() {
        this.panel = element("div", { class: "webui chunks", role: "region", "aria-label": "The prompt in its chunks", tabIndex: 0 });
        this.write();
        document.body.append(this.panel);
        this.button.setAttribute("aria-expanded", "true");
        const { bottom, right } = this.button.getBoundingClientRect();
        const left = Math.max(8, Math.min(right, innerWidth - 8) - this.panel.offsetWidth);
        Object.assign(this.panel.style, { top: `${bottom + 6}px`, left: `${left}px` });
        this.away = new AbortController();
        const how = { capture: true, signal: this.away.signal };
        addEventListener("pointerdown", (event) => !this.owns(event.target) && this.fold(), how);
        addEventListener("scroll", (event) => !this.owns(event.target) && this.fold(), how);
        addEventListener("keydown", (event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            this.fold();
            this.button.focus();
        }, how);
    }

    /** @param {EventTarget | null} target */
    owns(target) {
        return this.panel?.contains(/** @type {Node} */ (target)) || this.contains(/** @type {Node} */ (target));
    }

    fold() {
        this.away?.abort();
        this.panel?.remove();
        this.panel = undefined;
        this.button?.setAttribute("aria-expanded", "false");
    }

    /** The text as it was counted, cut where chunks begin. */
    write() {
        const text = this.counted ?? "";
        const cuts = [0, ...this.borders, text.length];
        const chunks = cuts.slice(1).map((end, number) => element("span", { class: "chunk", translate: "no",
            title: `Chunk ${number + 1}` }, text.slice(cuts[number], end)));
        const words = text ? "The model reads a prompt in chunks of 75 tokens. Each begins where the colour changes."
            : "The prompt is empty.";
        this.panel?.replaceChildren(element("p", { class: "quiet" }, words), element("div", {}, ...chunks));
    }
}

customElements.define("webui-tokens", Tokens);
