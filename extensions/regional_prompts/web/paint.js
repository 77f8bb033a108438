// @ts-check
// A board to paint regions on: a colour for each, a brush, and the mask that comes of it.
import { element, keepPicture, pictureAddress, tool } from "easel/extension.js";

/** @typedef {import("easel/extension.js").Kept} Kept */

// The colours of maps.py, in order.
const PALETTE = [[230, 40, 40], [40, 90, 230], [40, 170, 70], [240, 200, 20], [170, 60, 200], [20, 190, 200],
    [245, 130, 20], [245, 120, 180], [130, 90, 40], [130, 200, 60], [90, 110, 140], [120, 20, 60]];
const SIDE = 512;

/** The colour of a region, counted from 0. @param {number} number */
export const colour = (number) => `rgb(${PALETTE[number % PALETTE.length].join(" ")})`;

export class Paint {
    /** @param {(kept: Kept | null) => unknown} done told of the mask when a stroke is over */
    constructor(done) {
        this.done = done;
        this.chosen = 0;
        /** What is shown, so that the own mask is not loaded again. @type {unknown} */
        this.shown = null;
        this.canvas = element("canvas", { width: SIDE, height: SIDE, "aria-label": "Paint the regions here", role: "img" });
        this.colours = element("div", { class: "toolbar", role: "radiogroup", "aria-label": "Region to paint" });
        this.brush = element("input", { type: "range", min: 4, max: 200, value: 60, "aria-label": "Brush size" });
        this.element = element("div", { class: "paint" }, this.canvas,
            element("div", { class: "toolbar" }, this.colours, this.brush, tool("clear", "Clear the mask", () => this.clear())));
        this.canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.stroke(event));
    }

    get pen() {
        return /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    }

    /** Offer a colour for each region, and the picture's proportions. @param {string[]} regions @param {number} width @param {number} height */
    offer(regions, width, height) {
        const scale = SIDE / Math.max(width, height);
        const size = [Math.max(8, Math.round(width * scale)), Math.max(8, Math.round(height * scale))];
        if (size[0] !== this.canvas.width || size[1] !== this.canvas.height) this.resize(size[0], size[1]);
        this.chosen = Math.min(this.chosen, regions.length);
        const choices = [...regions.slice(0, PALETTE.length).keys(), regions.length];
        this.colours.replaceChildren(...choices.map((number) => {
            const rubber = number === regions.length;
            return element("button", { type: "button", class: "swatch", dataset: rubber ? { rubber: "" } : {}, role: "radio",
                "aria-checked": String(number === this.chosen), title: rubber ? "Nothing: the base prompt" : regions[number],
                "aria-label": rubber ? "Erase" : `Region ${number + 1}`, style: rubber ? {} : { background: colour(number) },
                onclick: () => {
                    this.chosen = number;
                    this.offer(regions, width, height);
                } });
        }));
        this.erasing = this.chosen === regions.length;
    }

    /** @param {number} width @param {number} height */
    resize(width, height) {
        const old = element("canvas", { width: this.canvas.width, height: this.canvas.height });
        old.getContext("2d").drawImage(this.canvas, 0, 0);
        Object.assign(this.canvas, { width, height });
        this.pen.imageSmoothingEnabled = false;
        this.pen.drawImage(old, 0, 0, width, height);
    }

    /** Show a mask that came from elsewhere. @param {Kept | string | null | undefined} mask */
    show(mask) {
        if (JSON.stringify(mask ?? null) === JSON.stringify(this.shown)) return;
        this.shown = mask ?? null;
        this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
        if (!mask) return;
        const picture = new Image();
        picture.onload = () => {
            this.pen.imageSmoothingEnabled = false;
            this.pen.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
        };
        picture.src = pictureAddress(mask);
    }

    /** @param {PointerEvent} event */
    stroke(event) {
        event.preventDefault();
        this.canvas.setPointerCapture(event.pointerId);
        const pen = this.pen;
        pen.globalCompositeOperation = this.erasing ? "destination-out" : "source-over";
        Object.assign(pen, { lineWidth: Number(this.brush.value), lineCap: "round", lineJoin: "round", strokeStyle: colour(this.chosen) });
        const place = (/** @type {PointerEvent} */ at) => {
            const { left, top, width, height } = this.canvas.getBoundingClientRect();
            return /** @type {[number, number]} */ ([(at.clientX - left) / width * this.canvas.width, (at.clientY - top) / height * this.canvas.height]);
        };
        pen.beginPath();
        pen.moveTo(...place(event));
        const draw = (/** @type {PointerEvent} */ at) => {
            pen.lineTo(...place(at));
            pen.stroke();
        };
        draw(event);
        this.canvas.onpointermove = draw;
        this.canvas.onpointerup = () => {
            this.canvas.onpointermove = this.canvas.onpointerup = null;
            pen.globalCompositeOperation = "source-over";
            void this.keep();
        };
    }

    /** Send the mask up. */
    async keep() {
        const blob = await new Promise((done) => this.canvas.toBlob(done, "image/png"));
        const kept = blob && await keepPicture(blob);
        if (!kept) return;
        this.shown = kept;
        this.done(kept);
    }

    clear() {
        this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
        this.shown = null;
        this.done(null);
    }
}
