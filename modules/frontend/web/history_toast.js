// @ts-check
// What was just done, said for a while at the foot of the page, with a way back.
import { element } from "./dom.js";

const SECONDS = 8;

export class Toast {
    /** @param {HTMLElement} home where it stands while no dialog is open */
    constructor(home) {
        this.home = home;
        this.words = element("span");
        this.undo = element("button", { type: "button", hidden: true }, "Undo");
        this.element = element("div", { class: "webui history-toast", role: "status", "aria-live": "polite" }, this.words, this.undo);
        this.element.classList.add("gone");
        home.append(this.element);
    }

    /** @param {string} text @param {() => unknown} [undo] */
    say(text, undo) {
        const open = [...document.querySelectorAll("dialog[open]")].at(-1); // what is behind an open dialog is not seen
        const home = open ?? this.home;
        if (this.element.parentElement !== home) home.append(this.element);
        this.words.textContent = text;
        this.undo.hidden = !undo;
        this.undo.onclick = () => {
            this.hide();
            undo?.();
        };
        this.element.classList.remove("gone");
        clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.hide(), SECONDS * 1000);
    }

    hide() {
        this.element.classList.add("gone");
        this.home.append(this.element);
    }
}
