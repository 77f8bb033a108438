// @ts-check
// Mouse, pen and fingers on the stage: strokes, the bucket, moving and zooming, the circle that shows the brush.
import { element } from "./dom.js";
import { around } from "./canvas_tiles.js";

/** @typedef {import("./canvas.js").Canvas} Canvas */

const PEN_ERASER = 32; // its bit among a pointer's buttons
const MIDDLE = 4;

export class Pointer {
    /** @param {Canvas} canvas */
    constructor(canvas) {
        this.canvas = canvas;
        this.stage = canvas.stage;
        this.circle = element("div", { class: "canvas-brush", hidden: true });
        this.stage.append(this.circle);
        /** Where each finger is. @type {Map<number, {x: number, y: number}>} */
        this.down = new Map();
        /** What the pointers are at. @type {"" | "stroke" | "pan" | "pinch"} */
        this.doing = "";
        /** @type {import("./canvas_strokes.js").Stroke | null} */
        this.stroke = null;
        /** @type {import("./canvas_drawing.js").State | null} */
        this.before = null;
        /** Where the last stroke ended. @type {{x: number, y: number} | null} */
        this.end = null;
        /** Where the pointer is on the stage, in CSS pixels. */
        this.place = { x: 0, y: 0 };
        this.pen = false; // a pen was used: fingers then move the picture, for a hand lies on the glass
        this.moving = false; // F or the space bar is held
        this.over = false;
        const listen = (/** @type {string} */ name, /** @type {(event: PointerEvent) => void} */ act) =>
            this.stage.addEventListener(name, /** @type {EventListener} */ (act));
        listen("pointerdown", (event) => this.pressed(event));
        listen("pointermove", (event) => this.moved(event));
        listen("pointerup", (event) => this.released(event));
        listen("pointercancel", (event) => this.cancelled(event));
        listen("pointerenter", () => (this.over = true));
        listen("pointerleave", () => this.left());
        // Else the middle button makes the page scroll by itself.
        this.stage.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
    }

    /** @param {PointerEvent} event */
    at(event) {
        const box = this.stage.getBoundingClientRect();
        return { x: event.clientX - box.left - this.stage.clientLeft, y: event.clientY - box.top - this.stage.clientTop };
    }

    /** @param {PointerEvent} event */
    pressed(event) {
        if (!this.canvas.drawing.picture || (event.target instanceof Element && event.target.closest("button, .canvas-handle"))) return;
        if (event.pointerType === "mouse" && event.button > 1) return;
        this.pen ||= event.pointerType === "pen";
        this.place = this.at(event);
        this.down.set(event.pointerId, this.place);
        this.stage.setPointerCapture?.(event.pointerId);
        if (this.down.size === 2) return this.pinch();
        if (this.down.size > 2 || this.doing) return;
        const point = this.canvas.view.point(this.place.x, this.place.y);
        const pans = this.moving || event.buttons & MIDDLE || !this.canvas.draws || (this.pen && event.pointerType === "touch");
        if (pans) this.doing = "pan";
        else if (this.canvas.tool === "bucket") this.canvas.pour(point);
        else if (this.canvas.tool === "frame") this.doing = "pan";
        else this.begin(event, point);
        this.show(event);
    }

    /** @param {PointerEvent} event @param {{x: number, y: number}} point */
    begin(event, point) {
        const { drawing, layer } = this.canvas;
        if (!layer) return;
        this.before = drawing.state();
        const erase = this.canvas.tool === "eraser" || (event.buttons & PEN_ERASER) > 0;
        this.stroke = drawing.stroke(layer, { colour: this.canvas.pixel(), erase });
        this.doing = "stroke";
        if (event.shiftKey && this.end) this.stroke.last = { ...this.end, radius: this.canvas.size / 2 };
        this.draw(event, [event]);
    }

    /** Go on with the stroke, and show it at once. @param {PointerEvent} event @param {PointerEvent[]} events */
    draw(event, events) {
        if (!this.stroke) return;
        /** @type {import("./canvas_tiles.js").Box | null} */
        let changed = null;
        for (const each of events) {
            const { x, y } = this.at(each), point = this.canvas.view.point(x, y);
            const pressure = event.pointerType === "pen" && each.pressure ? each.pressure : 1;
            const box = this.stroke.to({ ...point, radius: Math.max((this.canvas.size / 2) * pressure, 0.5) });
            if (box) changed = around(changed, box);
            this.end = point;
        }
        if (changed) this.canvas.view.draw(changed);
    }

    /** @param {PointerEvent} event */
    moved(event) {
        const place = this.at(event), before = this.down.get(event.pointerId) ?? this.place;
        this.place = place;
        if (this.doing === "stroke" && this.down.has(event.pointerId)) {
            const events = event.getCoalescedEvents?.() ?? [];
            this.draw(event, events.length ? events : [event]);
        } else if (this.doing === "pan" || (this.moving && !this.doing)) {
            this.canvas.view.pan(place.x - before.x, place.y - before.y);
        } else if (this.doing === "pinch") this.pinched(event.pointerId, place);
        if (this.down.has(event.pointerId)) this.down.set(event.pointerId, place);
        this.show(event);
    }

    /** A second finger: what the first one began to draw is taken back. */
    pinch() {
        this.takeBack();
        this.doing = "pinch";
    }

    /** @param {number} finger @param {{x: number, y: number}} place */
    pinched(finger, place) {
        const other = [...this.down].find(([id]) => id !== finger)?.[1], before = this.down.get(finger);
        if (!other || !before) return;
        const apart = (/** @type {{x: number, y: number}} */ one) => Math.max(Math.hypot(one.x - other.x, one.y - other.y), 10);
        this.canvas.view.pan((place.x - before.x) / 2, (place.y - before.y) / 2);
        this.canvas.view.zoom(apart(place) / apart(before), (place.x + other.x) / 2, (place.y + other.y) / 2);
    }

    /** @param {PointerEvent} event */
    released(event) {
        if (!this.down.delete(event.pointerId)) return;
        if (this.doing === "stroke") this.finish();
        if (!this.down.size) this.doing = "";
        this.show(event);
    }

    finish() {
        const { before, stroke } = this;
        [this.stroke, this.before, this.doing] = [null, null, ""];
        if (before && stroke && this.canvas.layer) this.canvas.drawing.done(before, this.canvas.layer);
    }

    /** @param {PointerEvent} event */
    cancelled(event) {
        if (!this.down.delete(event.pointerId)) return;
        this.takeBack();
        if (!this.down.size) this.doing = "";
    }

    /** Undo the stroke that has begun. */
    takeBack() {
        const before = this.before;
        [this.stroke, this.before, this.doing] = [null, null, ""];
        if (before) this.canvas.drawing.show(before);
    }

    left() {
        this.over = false;
        this.circle.hidden = true;
    }

    /** The circle, and the pointer's own shape. @param {PointerEvent} [event] */
    show(event) {
        const { canvas, stage } = this;
        const draws = canvas.draws && canvas.drawing.picture && (canvas.tool === "brush" || canvas.tool === "eraser") && !this.moving;
        const circle = draws && this.doing !== "pan" && this.doing !== "pinch";
        stage.dataset.pointer = this.moving || this.doing === "pan" ? "move" : circle ? "brush" : (canvas.draws && canvas.tool) || "move";
        this.circle.hidden = !circle || !this.over || (event?.pointerType ?? "mouse") === "touch";
        if (this.circle.hidden) return;
        const size = Math.max((canvas.size * canvas.view.scale) / canvas.view.density, 2);
        Object.assign(this.circle.style, {
            width: `${size}px`, height: `${size}px`, transform: `translate(${this.place.x - size / 2}px, ${this.place.y - size / 2}px)`,
        });
    }
}
