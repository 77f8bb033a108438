// @ts-check
// The prompt as chips: dragged into another order, weighed, switched off, edited, deleted. What is switched off is out of the prompt, and
// kept here until the page is left.
import { element, promptBox, setPrompt } from "easel/extension.js";
import { partsOf, promptOf, stepped, written } from "./chips_text.js";

/** @typedef {import("./chips_text.js").Part} Part */

export class Chips {
    /** @param {() => {tab: "txt2img" | "img2img", negative: boolean}} which the prompt that is shown */
    constructor(which) {
        this.which = which;
        /** @type {Part[]} */
        this.parts = [];
        this.shown = "";
        this.dragged = -1;
        this.element = element("ul", { class: "chips", "aria-label": "Parts of the prompt", translate: "no" });
    }

    /** Show the prompt as it is now; parts that are off stay behind the one that they stood behind. @param {boolean} [force] */
    follow(force = false) {
        const { tab, negative } = this.which();
        const key = `${tab} ${negative} ${promptBox({ tab, negative })?.value ?? ""}`;
        if (!force && key === this.shown) return;
        const same = this.shown.startsWith(`${tab} ${negative} `);
        this.shown = key;
        const now = partsOf(promptBox({ tab, negative })?.value ?? "");
        if (same) {
            for (const [place, part] of this.parts.entries()) {
                if (!part.off) continue;
                const before = this.parts.slice(0, place).filter((one) => !one.off).length;
                const offsBefore = this.parts.slice(0, place).filter((one) => one.off).length;
                now.splice(Math.min(now.length, before + offsBefore), 0, part);
            }
        }
        this.parts = now;
        this.draw();
    }

    draw() {
        this.element.replaceChildren(...this.parts.map((part, place) => this.chip(part, place)));
        if (!this.parts.length) this.element.append(element("li", { class: "quiet", translate: "yes" }, "The prompt is empty."));
    }

    /** @param {Part} part @param {number} place */
    chip(part, place) {
        const step = (/** @type {1 | -1} */ direction) => this.change(place, stepped(part, direction));
        const name = element("button", {
            type: "button", class: "plain name", "aria-pressed": String(!part.off), title: "Click: on or off. Double click: edit. Right click: delete.",
            onclick: (/** @type {MouseEvent} */ event) => this.clicked(event, place),
            ondblclick: () => this.edit(place),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event, place),
        }, part.text, part.weight !== 1 && element("small", {}, part.weight));
        return element("li", {
            class: part.off ? "chip-part off" : "chip-part", draggable: true, dataset: { place },
            oncontextmenu: (/** @type {Event} */ event) => (event.preventDefault(), this.remove(place)),
            onmouseenter: () => this.highlight(part), ondragstart: (/** @type {DragEvent} */ event) => this.drag(event, place),
            ondragover: (/** @type {DragEvent} */ event) => event.preventDefault(),
            ondrop: (/** @type {DragEvent} */ event) => (event.preventDefault(), this.move(this.dragged, place)),
        }, element("button", { type: "button", class: "plain step", "aria-label": `Less of ${part.text}`, onclick: () => step(-1) }, "−"), name,
            element("button", { type: "button", class: "plain step", "aria-label": `More of ${part.text}`, onclick: () => step(1) }, "+"));
    }

    /** A single click switches; the second of a double click does not. @param {MouseEvent} event @param {number} place */
    clicked(event, place) {
        clearTimeout(this.waiting);
        if (event.detail > 1) return;
        const act = () => this.change(place, { ...this.parts[place], off: !this.parts[place].off });
        if (event.detail === 0) act(); // by the keyboard
        else this.waiting = window.setTimeout(act, 220);
    }

    /** @param {KeyboardEvent} event @param {number} place */
    key(event, place) {
        const act = {
            Delete: () => this.remove(place), F2: () => this.edit(place), "+": () => this.change(place, stepped(this.parts[place], 1)),
            "-": () => this.change(place, stepped(this.parts[place], -1)), ArrowLeft: () => this.move(place, place - 1),
            ArrowRight: () => this.move(place, place + 1),
        }[event.key];
        if (!act || (event.key.startsWith("Arrow") && !event.altKey)) return;
        event.preventDefault();
        event.stopPropagation();
        act();
    }

    /** @param {DragEvent} event @param {number} place */
    drag(event, place) {
        this.dragged = place;
        event.dataTransfer?.setData("text/plain", this.parts[place].text);
    }

    /** @param {number} from @param {number} to */
    move(from, to) {
        if (from < 0 || to < 0 || to >= this.parts.length || from === to) return;
        const parts = [...this.parts];
        parts.splice(to, 0, ...parts.splice(from, 1));
        this.put(parts, to);
    }

    /** @param {number} place @param {Part} part */
    change(place, part) {
        this.put(this.parts.with(place, part), place);
    }

    /** @param {number} place */
    remove(place) {
        this.put(this.parts.filter((_, one) => one !== place), Math.min(place, this.parts.length - 2));
    }

    /** Write in a chip's place; Enter keeps it, Esc leaves it as it was. @param {number} place */
    edit(place) {
        clearTimeout(this.waiting);
        const part = this.parts[place];
        let done = false;
        const end = (/** @type {boolean} */ keep) => {
            if (done) return;
            done = true;
            const [read] = keep ? partsOf(field.value) : [part];
            if (!read) this.remove(place);
            else if (keep) this.put([...this.parts.slice(0, place), ...partsOf(field.value), ...this.parts.slice(place + 1)], place);
            else this.draw();
        };
        const field = element("input", {
            type: "text", value: written(part), "aria-label": "Text of this part", onblur: () => end(true),
            onkeydown: (/** @type {KeyboardEvent} */ event) => {
                if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
                event.preventDefault();
                event.stopPropagation();
                end(event.key === "Enter");
            },
        });
        this.element.children[place]?.replaceChildren(field);
        field.focus();
        field.select();
    }

    /** Show where a part stands in the prompt. @param {Part} part */
    highlight(part) {
        const box = promptBox(this.which());
        if (!box || part.off || part.end > box.value.length || document.activeElement === box) return;
        box.setSelectionRange(part.start, part.end);
    }

    /** @param {Part[]} parts @param {number} place the one that keeps the focus */
    put(parts, place) {
        const which = this.which();
        const had = this.element.contains(document.activeElement);
        this.parts = parts;
        keepingFocus(() => setPrompt(which, promptOf(parts)));
        this.follow(true);
        if (had) /** @type {HTMLElement | null} */ (this.element.children[place]?.querySelector(".name"))?.focus();
    }
}

/** Change a prompt, which takes the focus for that, and give the focus back. @param {() => unknown} act */
export function keepingFocus(act) {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    act();
    const now = /** @type {HTMLElement | null} */ (document.activeElement);
    if (before && before !== document.body && before.isConnected) before.focus({ preventScroll: true });
    else if (now !== before) now?.blur();
}
