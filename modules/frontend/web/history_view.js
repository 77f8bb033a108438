// @ts-check
// Zooming and panning pictures, one or several in step: wheel, drag, pinch, double click and keys.
import { element } from "./dom.js";

const MOST = 16;

/** How pictures are looked at: scale 1 shows all of it, x and y shift it by parts of its frame. Several stages can share one. */
export class View extends EventTarget {
    scale = 1;
    x = 0;
    y = 0;

    /** @param {number} scale @param {number} [x] the point that stays, in parts of the frame from its middle @param {number} [y] */
    zoom(scale, x = 0, y = 0) {
        const next = Math.max(1, Math.min(MOST, scale));
        this.x = x - ((x - this.x) * next) / this.scale;
        this.y = y - ((y - this.y) * next) / this.scale;
        this.scale = next;
        this.settle();
    }

    /** @param {number} x @param {number} y */
    shift(x, y) {
        this.x += x;
        this.y += y;
        this.settle();
    }

    reset() {
        this.scale = 1;
        this.settle();
    }

    /** Never so far that the picture leaves its frame. */
    settle() {
        const most = (this.scale - 1) / 2;
        this.x = Math.max(-most, Math.min(most, this.x));
        this.y = Math.max(-most, Math.min(most, this.y));
        this.dispatchEvent(new Event("change"));
    }
}

/** A frame with pictures on top of each other, all shown as `view` says. */
export class Stage {
    /** @param {View} view @param {string} label @param {...HTMLElement} layers */
    constructor(view, label, ...layers) {
        this.view = view;
        /** @type {Map<number, {x: number, y: number}>} */
        this.fingers = new Map();
        this.moved = false;
        this.plane = element("div", { class: "stage-plane" }, ...layers);
        this.element = /** @type {HTMLElement} */ (element("div", {
            class: "stage", tabIndex: 0, role: "group", "aria-label": label,
            onwheel: (/** @type {WheelEvent} */ event) => this.wheel(event),
            onpointerdown: (/** @type {PointerEvent} */ event) => this.down(event),
            onpointermove: (/** @type {PointerEvent} */ event) => this.move(event),
            onpointerup: (/** @type {PointerEvent} */ event) => this.up(event),
            onpointercancel: (/** @type {PointerEvent} */ event) => this.up(event),
            ondblclick: (/** @type {MouseEvent} */ event) => this.double(event),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event),
        }, this.plane));
        view.addEventListener("change", () => this.draw());
        this.draw();
    }

    draw() {
        const { scale, x, y } = this.view;
        this.plane.style.transform = `translate(${x * 100}%, ${y * 100}%) scale(${scale})`;
        this.element.classList.toggle("zoomed", scale > 1);
    }

    /** A point in parts of the frame from its middle. @param {{clientX: number, clientY: number}} event */
    point({ clientX, clientY }) {
        const box = this.element.getBoundingClientRect();
        return { x: (clientX - box.left) / box.width - 0.5, y: (clientY - box.top) / box.height - 0.5 };
    }

    /** @param {WheelEvent} event */
    wheel(event) {
        event.preventDefault();
        const { x, y } = this.point(event);
        this.view.zoom(this.view.scale * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), x, y);
    }

    /** @param {PointerEvent} event */
    down(event) {
        if (event.button || !(event.target instanceof Element) || event.target.closest("button, input")) return;
        this.moved = false;
        this.fingers.set(event.pointerId, this.point(event));
        this.element.setPointerCapture(event.pointerId);
    }

    /** @param {PointerEvent} event */
    move(event) {
        const old = this.fingers.get(event.pointerId);
        if (!old) return;
        const now = this.point(event);
        const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
        this.fingers.set(event.pointerId, now);
        if (Math.hypot(now.x - old.x, now.y - old.y) > 0.002) this.moved = true;
        if (!other) return this.view.shift(now.x - old.x, now.y - old.y);
        const [before, after] = [Math.hypot(old.x - other.x, old.y - other.y), Math.hypot(now.x - other.x, now.y - other.y)];
        if (before > 0.01) this.view.zoom((this.view.scale * after) / before, (now.x + other.x) / 2, (now.y + other.y) / 2);
    }

    /** @param {PointerEvent} event */
    up(event) {
        this.fingers.delete(event.pointerId);
    }

    /** @param {MouseEvent} event */
    double(event) {
        const { x, y } = this.point(event);
        this.view.zoom(this.view.scale > 1 ? 1 : 3, x, y);
    }

    /** @param {KeyboardEvent} event */
    pressed(event) {
        const step = 0.08;
        const zoomed = this.view.scale > 1;
        /** @type {Record<string, () => void>} */
        const keys = { "+": () => this.view.zoom(this.view.scale * 1.25), "=": () => this.view.zoom(this.view.scale * 1.25),
            "-": () => this.view.zoom(this.view.scale / 1.25), 0: () => this.view.reset() };
        if (zoomed) Object.assign(keys, { ArrowLeft: () => this.view.shift(step, 0), ArrowRight: () => this.view.shift(-step, 0),
            ArrowUp: () => this.view.shift(0, step), ArrowDown: () => this.view.shift(0, -step) });
        if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
        keys[event.key]();
        event.preventDefault();
        event.stopPropagation();
    }
}
