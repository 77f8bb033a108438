// @ts-check
// The quicksettings, and the parts of a prompt as a list: moved, weighted and removed there, written into the prompt as typing would.
import { reweighted } from "./attention.js";
import { element, tool } from "./dom.js";
import { box, replace } from "./prompt.js";
import { partsOf, partWithComma, placedPart } from "./prompt_parts.js";

const WATCH = 400; // milliseconds between two looks at the prompt, which the program may fill without an event
/** @type {Record<string, 1 | -1>} */
const WAYS = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };
const MARKER = "application/x-easel-part"; // a kind of its own: dropped anywhere else, it leaves nothing
const WEIGHTED = /^\(([^()]*):\s*([0-9]*\.?[0-9]+)\s*\)$/s;
const NETWORK = /^<([^<>]*):\s*(-?[0-9]*\.?[0-9]+)\s*>$/;

/** What the left sidebar holds. */
export class PromptPanel {
    tab = "";
    negative = false;
    seen = "";
    dragged = -1;

    constructor() {
        const choice = (/** @type {string} */ name, /** @type {boolean} */ negative) => element("button", {
            type: "button", onclick: () => this.choose(negative),
        }, name);
        this.choices = [choice("Prompt", false), choice("Negative prompt", true)];
        this.list = element("ol", {
            class: "prompt-parts", "aria-label": "Parts of the prompt",
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
            ondragleave: () => this.mark(), ondragend: () => this.letGo(),
        });
        this.none = element("p", { class: "quiet" }, "The prompt is empty.");
        this.hint = element("p", { class: "quiet" },
            "Drag a part, or press Alt and an arrow. Plus and minus change its weight, Delete removes it.");
        this.element = element("div", { class: "sidebar-prompt" },
            element("webui-quicksettings", { dataset: { prefix: "sidebar_setting" } }),
            element("div", { class: "sidebar-tabs", role: "group", "aria-label": "Parts of the prompt" }, ...this.choices),
            this.list, this.none, this.hint);
        document.addEventListener("input", () => this.look());
    }

    /** @param {"txt2img" | "img2img"} tab */
    show(tab) {
        this.tab = tab;
        this.timer ??= window.setInterval(() => this.look(), WATCH);
        this.draw();
    }

    hide() {
        clearInterval(this.timer);
        this.timer = undefined;
    }

    /** @param {boolean} negative */
    choose(negative) {
        this.negative = negative;
        this.draw();
    }

    get field() {
        return /** @type {HTMLTextAreaElement | null} */ (box(`${this.tab}_${this.negative ? "neg_prompt" : "prompt"}`));
    }

    /** Follow the prompt, but take nothing from under the hand. */
    look() {
        if (this.timer && this.dragged < 0 && this.field?.value !== this.seen) this.draw();
    }

    /** @param {number} [focus] the part that is to have the focus */
    draw(focus = this.place(document.activeElement)) {
        const text = this.field?.value ?? "";
        this.seen = text;
        this.choices.forEach((button, place) => button.setAttribute("aria-pressed", String(Boolean(place) === this.negative)));
        const parts = partsOf(text);
        this.list.replaceChildren(...parts.map(({ start, end }, place) => this.row(text.slice(start, end), place)));
        this.list.hidden = this.hint.hidden = !parts.length;
        this.none.hidden = parts.length > 0;
        if (focus >= 0) this.focus(Math.min(focus, parts.length - 1));
    }

    /** @param {string} text of the part @param {number} place */
    row(text, place) {
        const [, words, weight] = WEIGHTED.exec(text) ?? NETWORK.exec(text) ?? [text, text, ""];
        const still = { tabIndex: -1 }; // keys do the same
        return element("li", {
            draggable: true,
            ondragstart: (/** @type {DragEvent} */ event) => this.take(event, place),
            ondragover: (/** @type {DragEvent} */ event) => this.over(event, place),
            ondrop: (/** @type {DragEvent} */ event) => this.drop(event, place),
        },
        // no button: Firefox drags nothing that begins on one
        element("span", {
            class: "words", role: "button", tabIndex: 0, translate: "no", title: text, onclick: () => this.select(place),
        }, words),
        element("span", { class: "weight", translate: "no" }, weight),
        tool("part-weaker", "Weaker", () => this.weigh(place, -1), still),
        tool("part-stronger", "Stronger", () => this.weigh(place, 1), still),
        tool("part-remove", "Remove", () => this.remove(place), still));
    }

    /** @param {Element | null} inside @returns {number} the place of the part that an element is in; -1 for none */
    place(inside) {
        return inside ? [...this.list.children].findIndex((row) => row.contains(inside)) : -1;
    }

    /** @param {number} place */
    focus(place) {
        /** @type {HTMLElement | null | undefined} */ (this.list.children[place]?.querySelector(".words"))?.focus();
    }

    // What a person does

    /** Write into the prompt, and come back. @param {{start: number, end: number, text?: string} | undefined} edit @param {number} focus */
    write(edit, focus) {
        const { field } = this;
        if (!field || !edit || field.value !== this.seen) return this.draw();
        this.aside(() => replace(field, edit.start, edit.end, edit.text ?? ""), focus);
    }

    /** Do what needs the focus in the prompt; the page does not scroll there. @param {() => unknown} act @param {number} focus */
    aside(act, focus) {
        const { scrollX, scrollY } = window;
        act();
        this.draw(focus);
        scrollTo({ left: scrollX, top: scrollY, behavior: "instant" });
    }

    /** @param {number} from @param {number} to */
    move(from, to) {
        const edit = placedPart(this.seen, from, to);
        if (edit) this.write(edit, to);
    }

    /** @param {number} place @param {1 | -1} direction */
    weigh(place, direction) {
        const part = partsOf(this.seen)[place];
        if (!part) return;
        const inside = NETWORK.test(this.seen.slice(part.start, part.end)) ? 1 : 0; // in a network it is its own number
        const edit = reweighted(this.seen, part.start + inside, part.end - inside, direction);
        if (edit) this.write(edit, place);
    }

    /** @param {number} place */
    remove(place) {
        this.write(partWithComma(this.seen, place), place);
    }

    /** Show a part in the prompt. @param {number} place */
    select(place) {
        const part = partsOf(this.seen)[place];
        if (!part || !this.field) return;
        this.field.focus();
        this.field.setSelectionRange(part.start, part.end);
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        const here = this.place(/** @type {Element} */ (event.target));
        const way = WAYS[event.key];
        if (here < 0 || event.target instanceof HTMLButtonElement) return;
        if (event.ctrlKey || event.metaKey) {
            const pressed = event.key.toLowerCase();
            if (pressed !== "z" && pressed !== "y") return;
            const done = pressed === "z" && !event.shiftKey ? "undo" : "redo";
            this.aside(() => {
                this.field?.focus();
                document.execCommand(done);
            }, here);
        } else if (way && event.altKey) this.move(here, here + way);
        else if (way) this.focus(here + way);
        else if (event.key === "Home") this.focus(0);
        else if (event.key === "End") this.focus(this.list.children.length - 1);
        else if (event.key === "Enter" || event.key === " ") this.select(here);
        else if (event.key === "+" || event.key === "=") this.weigh(here, 1);
        else if (event.key === "-") this.weigh(here, -1);
        else if (event.key === "Delete" || event.key === "Backspace") this.remove(here);
        else return;
        event.preventDefault();
        event.stopPropagation();
    }

    /** @param {DragEvent} event @param {number} place */
    take(event, place) {
        this.dragged = place;
        event.dataTransfer?.setData(MARKER, String(place));
        if (event.dataTransfer) event.dataTransfer.effectAllowed = "move";
    }

    /** @param {DragEvent} event @param {number} place */
    over(event, place) {
        if (this.dragged < 0) return;
        event.preventDefault();
        this.mark(place, this.isBelow(event, place));
    }

    /** @param {DragEvent} event @param {number} place */
    drop(event, place) {
        const from = this.dragged;
        if (from < 0) return;
        event.preventDefault();
        event.stopPropagation();
        const gap = place + (this.isBelow(event, place) ? 1 : 0);
        this.letGo();
        this.move(from, gap > from ? gap - 1 : gap);
    }

    /** Whether the pointer is over the lower half. @param {DragEvent} event @param {number} place */
    isBelow(event, place) {
        const { top, height } = this.list.children[place].getBoundingClientRect();
        return event.clientY > top + height / 2;
    }

    letGo() {
        this.dragged = -1;
        this.mark();
    }

    /** Show where a part would come to stand. @param {number} [place] @param {boolean} [below] */
    mark(place = -1, below = false) {
        [...this.list.children].forEach((row, each) => {
            row.classList.toggle("drop-above", each === place && !below);
            row.classList.toggle("drop-below", each === place && below);
        });
    }
}
