// @ts-check
// The sidebars of txt2img and img2img: models on the right, settings and the prompt's parts on the left. A button at the window's edge
// opens each; whether it lies over the page or beside it, or is not there, say the settings. How wide it is, the browser keeps.
import { element } from "./dom.js";
import { heeded } from "./live_settings.js";
import { setting } from "./page_settings.js";
import { style } from "./parts.js";
import { ModelsPanel } from "./sidebar_models.js";
import { PromptPanel } from "./sidebar_prompt.js";

/** @typedef {{element: HTMLElement, show: (tab: "txt2img" | "img2img") => void, hide: () => void}} Panel `show` is told of each tab */
/** @typedef {{side: "left" | "right", key: string, start: string, otherwise: string, name: string, width: number}} Place */
/** @typedef {Place & {panel: () => Panel}} Kind `key` and `start` are the settings that say how it lies and whether it is open at first */
/** @typedef {{open?: boolean, width?: number}} Kept */

const [LEAST, MOST, STEP] = [240, 720, 20]; // pixels

/** A sidebar with its button. */
class Sidebar {
    /** @type {Panel | undefined} */
    panel;

    /** @param {Kind} kind */
    constructor(kind) {
        this.kind = kind;
        this.store = `webui-sidebar-${kind.side}`;
        const kept = this.kept();
        const start = setting(kind.start, "As it was left");
        this.open = start === "Opened" || (start !== "Closed" && kept.open === true);
        this.width = Math.min(MOST, Math.max(LEAST, Number(kept.width) || kind.width));
        const id = `webui_sidebar_${kind.side}`;
        this.body = element("div", { class: "sidebar-body" });
        this.grip = element("div", {
            class: "sidebar-grip", role: "separator", tabIndex: 0, "aria-orientation": "vertical", "aria-label": "Width of the sidebar",
            "aria-controls": id, "aria-valuemin": LEAST, "aria-valuemax": MOST, title: "Drag, or press the arrow keys",
            onpointerdown: (/** @type {PointerEvent} */ event) => this.take(event),
            onpointermove: (/** @type {PointerEvent} */ event) => this.drag(event),
            onpointerup: () => this.keep(),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.resizeByKey(event),
        });
        this.element = element("aside", {
            id, class: "webui sidebar", "aria-label": kind.name, dataset: { side: kind.side },
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
        }, this.grip, this.body);
        this.door = element("button", {
            type: "button", class: "sidebar-door", title: kind.name, "aria-label": kind.name, "aria-controls": id,
            dataset: { side: kind.side }, onclick: () => this.toggle(!this.open),
        });
    }

    /** @returns {Kept} what this browser keeps of it */
    kept() {
        try {
            return JSON.parse(localStorage.getItem(this.store) ?? "{}") ?? {};
        } catch {
            return {};
        }
    }

    keep() {
        localStorage.setItem(this.store, JSON.stringify({ open: this.open, width: this.width }));
    }

    /** Show what the settings and the tab in front ask for. */
    draw() {
        const { side, key, otherwise } = this.kind;
        const mode = setting(key, otherwise);
        const tab = document.body.dataset.tab;
        const form = tab === "txt2img" || tab === "img2img" ? tab : undefined;
        const there = mode !== "Off" && form !== undefined;
        const shown = there && this.open;
        if (there && !this.door.isConnected) document.body.append(this.door, this.element);
        this.door.hidden = !there;
        this.element.hidden = !shown;
        this.door.setAttribute("aria-expanded", String(this.open));
        this.element.classList.toggle("floating", mode !== "Fixed");
        document.body.classList.toggle(`sidebar-${side}-fixed`, shown && mode === "Fixed");
        this.measure();
        if (!shown) return this.panel?.hide();
        if (!this.panel) {
            this.panel = this.kind.panel();
            this.body.append(this.panel.element);
        }
        this.panel.show(form);
    }

    /** Tell the style sheet and screen readers how wide it is. */
    measure() {
        document.body.style.setProperty(`--sidebar-${this.kind.side}`, this.open ? `min(${this.width}px,45vw)` : "0px");
        this.grip.setAttribute("aria-valuenow", String(this.width));
    }

    /** @param {boolean} open */
    toggle(open) {
        this.open = open;
        this.keep();
        this.draw();
    }

    /** @param {number} width pixels */
    resize(width) {
        this.width = Math.round(Math.min(MOST, Math.max(LEAST, width)));
        this.measure();
    }

    /** @param {PointerEvent} event */
    take(event) {
        if (event.button !== 0) return;
        this.grip.setPointerCapture(event.pointerId);
        event.preventDefault(); // no text is selected on the way
        this.grip.focus();
    }

    /** @param {PointerEvent} event */
    drag(event) {
        if (!this.grip.hasPointerCapture(event.pointerId)) return;
        this.resize(this.kind.side === "left" ? event.clientX : document.documentElement.clientWidth - event.clientX);
    }

    /** @param {KeyboardEvent} event */
    resizeByKey(event) {
        const right = event.key === "ArrowRight";
        if (event.key === "Home") this.resize(LEAST);
        else if (event.key === "End") this.resize(MOST);
        else if (right || event.key === "ArrowLeft") this.resize(this.width + (right === (this.kind.side === "left") ? STEP : -STEP));
        else return;
        event.preventDefault();
        this.keep();
    }

    /** Escape leaves it. @param {KeyboardEvent} event */
    key(event) {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.stopPropagation();
        this.toggle(false);
        this.door.focus();
    }
}

export function startSidebars() {
    style("sidebars");
    const sidebars = [
        new Sidebar({
            side: "left", key: "sidebar_prompt", start: "sidebar_prompt_start", otherwise: "Off", name: "Settings and prompt", width: 340,
            panel: () => new PromptPanel(),
        }),
        new Sidebar({
            side: "right", key: "sidebar_models", start: "sidebar_models_start", otherwise: "Floating", name: "Models", width: 400,
            panel: () => new ModelsPanel(),
        }),
    ];
    const draw = () => sidebars.forEach((sidebar) => sidebar.draw());
    new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["data-tab"] });
    heeded.addEventListener("change", draw);
    draw();
}
