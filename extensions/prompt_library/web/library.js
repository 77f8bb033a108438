// @ts-check
// The prompt library: a page in the Tools tab, and a panel at the side of the page that keys open.
import { call, define, element, onSettings } from "easel/extension.js";
import { LibraryView } from "./view.js";

class LibraryPage extends HTMLElement {
    connectedCallback() {
        if (this.view) return;
        this.view = new LibraryView();
        this.append(this.view.element);
        this.addEventListener("shown", () => this.view?.load());
        this.view.load();
    }
}

/** The panel, made when it is first opened. */
class Panel {
    /** @type {any} */
    element = undefined;

    toggle() {
        if (!this.element) this.build();
        else this.element.hidden = !this.element.hidden;
        if (this.element.hidden) return void this.before?.focus();
        this.before = /** @type {HTMLElement | null} */ (document.activeElement);
        this.view?.load();
        this.view?.search.focus();
    }

    build() {
        this.view = new LibraryView(() => this.toggle());
        this.element = element("aside", {
            class: "prompt-library-panel", "aria-label": "Prompt library",
            onkeydown: (/** @type {KeyboardEvent} */ event) => {
                if (event.key !== "Escape" || event.defaultPrevented) return;
                event.stopPropagation();
                this.toggle();
            },
        }, this.view.element);
        document.body.append(this.element);
    }
}

const panel = new Panel();
let keys = "Alt+Q";
/** @type {HTMLElement | undefined} */
let button;

/** Whether an event is of the keys that open the panel. @param {KeyboardEvent} event */
function opens(event) {
    const parts = keys.toLowerCase().split("+");
    const held = { ctrl: event.ctrlKey, alt: event.altKey, shift: event.shiftKey, meta: event.metaKey };
    const right = Object.entries(held).every(([name, is]) => parts.includes(name) === is);
    const letter = parts.at(-1) ?? "";
    return keys !== "" && right && (event.key.toLowerCase() === letter || event.code.toLowerCase() === `key${letter}`);
}

async function settle() {
    const found = await call("webui/extensions/prompt_library/settings");
    if (!found) return;
    keys = found.keys;
    button?.remove();
    button = found.button && element("button", { type: "button", class: "prompt-library-button", title: "Prompt library", "aria-label": "Prompt library", onclick: () => panel.toggle() }, "✎");
    if (button) document.body.append(button);
}

document.addEventListener("keydown", (event) => {
    if (event.isComposing || !opens(event)) return;
    event.preventDefault();
    event.stopPropagation();
    panel.toggle();
}, true);
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === document.body && panel.element && !panel.element.hidden) panel.toggle();
});
onSettings((changed) => {
    if (changed.some((key) => key.startsWith("prompt_library"))) settle();
});
settle();
define("easel-prompt-library", LibraryPage);
