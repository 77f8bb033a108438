// @ts-check
// The frame around the picture: dragged beyond it, it makes room that will be painted new.
import { element } from "./dom.js";

/** @typedef {import("./canvas.js").Canvas} Canvas */

/** Which sides each handle moves: left, top, right, bottom. @type {Record<string, [number, number, number, number]>} */
const HANDLES = {
    "top-left": [1, 1, 0, 0], top: [0, 1, 0, 0], "top-right": [0, 1, 1, 0], right: [0, 0, 1, 0],
    "bottom-right": [0, 0, 1, 1], bottom: [0, 0, 0, 1], "bottom-left": [1, 0, 0, 1], left: [1, 0, 0, 0],
};

export class Frame {
    /** @param {Canvas} canvas */
    constructor(canvas) {
        this.canvas = canvas;
        this.inner = element("div", { class: "canvas-edge", hidden: true });
        this.outer = element("div", { class: "canvas-frame", hidden: true },
            ...Object.entries(HANDLES).map(([name, sides]) => this.handle(name, sides)));
        this.paper = element("div", { class: "canvas-paper", hidden: true }); // seen through what is transparent
        canvas.stage.prepend(this.paper);
        canvas.stage.append(this.inner, this.outer);
    }

    /** @param {string} name @param {[number, number, number, number]} sides */
    handle(name, sides) {
        const handle = element("div", { class: `canvas-handle ${name}` });
        handle.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
            event.preventDefault();
            event.stopPropagation();
            this.drag(handle, event, sides);
        });
        return handle;
    }

    /** @param {HTMLElement} handle @param {PointerEvent} start @param {number[]} sides */
    drag(handle, start, sides) {
        const { drawing, view } = this.canvas;
        const before = drawing.state();
        const share = view.density / view.scale; // held while the frame grows: the view stays as it is until the end
        handle.setPointerCapture(start.pointerId);
        const move = (/** @type {PointerEvent} */ event) => {
            const dx = (event.clientX - start.clientX) * share, dy = (event.clientY - start.clientY) * share;
            const moved = [-dx, -dy, dx, dy];
            drawing.stretch(/** @type {any} */ (before.margin.map((side, at) => side + sides[at] * moved[at])));
        };
        const end = (/** @type {PointerEvent} */ event) => {
            handle.removeEventListener("pointermove", move);
            for (const name of ["pointerup", "pointercancel"]) handle.removeEventListener(name, /** @type {any} */ (end));
            if (event.type === "pointercancel") return drawing.show(before);
            if (before.margin.some((side, at) => side !== drawing.margin[at])) drawing.done(before, null);
            if (view.whole) view.fit();
            return undefined;
        };
        handle.addEventListener("pointermove", move);
        for (const name of ["pointerup", "pointercancel"]) handle.addEventListener(name, /** @type {any} */ (end));
    }

    /** Stand where the frame and the picture are seen. */
    update() {
        const { drawing, view, tool } = this.canvas;
        const grown = drawing.margin.some(Boolean);
        this.outer.hidden = !drawing.picture || (tool !== "frame" && !grown);
        this.inner.hidden = !drawing.picture || !grown;
        this.outer.classList.toggle("held", tool === "frame");
        this.paper.hidden = !drawing.picture;
        for (const edge of [this.outer, this.paper]) this.place(edge, view.onStage(drawing.frame));
        const { width = 0, height = 0 } = drawing.picture ?? {};
        this.place(this.inner, view.onStage({ left: 0, top: 0, right: width, bottom: height }));
    }

    /** @param {HTMLElement} edge @param {import("./canvas_tiles.js").Box} box */
    place(edge, { left, top, right, bottom }) {
        Object.assign(edge.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    }
}
