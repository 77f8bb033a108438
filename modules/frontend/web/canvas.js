// @ts-check
// <webui-canvas data-name="img2img">: the picture that img2img starts from, paint over it, and a mask. One element for all of
// A1111's modes; changing the mode keeps the picture and what is drawn.
import { takes } from "./actions.js";
import { element } from "./dom.js";
import { ask } from "./jobs.js";
import { say } from "./notices.js";
import { WHITE } from "./canvas_area.js";
import { Drawing } from "./canvas_drawing.js";
import { choosePicture, listenToFiles } from "./canvas_files.js";
import { Frame } from "./canvas_frame.js";
import { listenToKeys } from "./canvas_keys.js";
import { maskOf, pictureOf } from "./canvas_picture.js";
import { Pointer } from "./canvas_pointer.js";
import { BRUSH, Toolbar } from "./canvas_toolbar.js";
import { Uploads } from "./canvas_uploads.js";
import { View } from "./canvas_view.js";

/** @typedef {"img2img" | "sketch" | "inpaint" | "inpaint sketch" | "inpaint upload"} Mode */
/** @typedef {"brush" | "eraser" | "bucket" | "frame"} Tool */
/** @typedef {import("./canvas_drawing.js").LayerName} LayerName */

/** What is drawn on in each mode. @type {Record<Mode, LayerName | null>} */
const LAYERS = { img2img: null, sketch: "paint", inpaint: "mask", "inpaint sketch": "paint", "inpaint upload": "mask" };
const LARGE = ["screen", "overlap"];
const LOOK = "webui-canvas-look"; // brush size and colours, for all canvases

/** Dispatches "change" when the picture's size changes, margins included, and "mode" when the mode does. */
export class Canvas extends HTMLElement {
    connectedCallback() {
        if (!this.stage) this.build();
        this.quiet = [listenToKeys(this), listenToFiles(this)];
        this.watch = new ResizeObserver(() => this.resized());
        this.watch.observe(/** @type {HTMLElement} */ (this.stage));
    }

    disconnectedCallback() {
        for (const stop of this.quiet ?? []) stop();
        this.watch?.disconnect();
    }

    build() {
        this.classList.add("webui");
        this.drawing = new Drawing();
        this.size = 48;
        this.colours = { paint: "#000000", mask: "#e0218a" };
        Object.assign(this, JSON.parse(localStorage.getItem(LOOK) ?? "{}"));
        this.tool = /** @type {Tool} */ ("brush");
        this.opened = "";
        this.words = element("div", { class: "empty" }, element("p", {}, "Drop a picture here, paste one, or choose a file"),
            element("button", { type: "button", onclick: () => choosePicture(this) }, "Choose a file"));
        this.stage = element("div", { class: "canvas-stage", tabIndex: 0, role: "application", "aria-label": "Canvas" }, this.words);
        this.view = new View(this.drawing, this.stage);
        this.stage.prepend(this.view.back, this.view.front);
        this.frame = new Frame(this);
        this.pointer = new Pointer(this);
        this.uploads = new Uploads(this);
        this.toolbar = new Toolbar(this);
        const { top, feather, margins, bottom, keys } = this.toolbar;
        this.append(top, feather, margins, this.stage, bottom, keys);
        this.view.moved = () => this.update();
        this.drawing.addEventListener("drawn", (event) => this.drawn(/** @type {CustomEvent} */ (event).detail));
        this.drawing.addEventListener("changed", () => this.changed());
        this.mode = this.mode;
        this.loading = this.uploads.restore();
    }

    /** @returns {Mode} */
    get mode() {
        const mode = /** @type {Mode} */ (this.dataset.mode);
        return mode in LAYERS ? mode : "img2img";
    }

    set mode(mode) {
        if (!(mode in LAYERS)) throw new RangeError(`There is no mode '${mode}'.`);
        const other = this.dataset.mode !== mode;
        this.dataset.mode = mode;
        if (!this.view) return;
        this.view.layer = LAYERS[mode];
        this.view.maskColour = this.colours.mask;
        if (!this.draws && this.tool !== "frame") this.pointer.takeBack();
        this.view.soon();
        this.update();
        if (other) this.dispatchEvent(new Event("mode"));
    }

    /** What is drawn on now. */
    get layer() {
        return LAYERS[this.mode];
    }

    /** Whether the pointer draws. */
    get draws() {
        return this.layer !== null;
    }

    /** The colour in use, as #rrggbb. */
    get colour() {
        return this.colours[this.layer ?? "paint"];
    }

    /** What the brush leaves in the layer. */
    pixel() {
        if (this.layer === "mask") return WHITE;
        const value = parseInt(this.colours.paint.slice(1), 16);
        return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >>> 16)) >>> 0;
    }

    /**
     * Put a picture on the canvas.
     * @param {Blob | string} picture its file or address
     * @param {{keepMask?: boolean, name?: string}} [how] `keepMask`: what is painted and masked stays where it is
     * @returns {Promise<boolean>} whether it is there
     */
    load(picture, how = {}) {
        const loaded = this.take(picture, how);
        this.loading = loaded;
        return loaded;
    }

    /** @param {Blob | string} from @param {{keepMask?: boolean, name?: string}} how */
    async take(from, { keepMask = false, name }) {
        await this.loading;
        const blob = typeof from === "string" ? await (from.startsWith("blob:") || from.startsWith("data:") ? fetch(from) : ask(from))
            .then((answer) => (answer?.ok ? answer.blob() : undefined)).catch(() => undefined) : from;
        if (!blob) {
            say("The picture is not there any more.");
            return false;
        }
        const picture = await pictureOf(blob, name ?? "picture.png");
        if (!picture) return false;
        this.drawing.load(picture, keepMask);
        return true;
    }

    /** Put a mask from a file over the picture. @param {Blob} blob @returns {Promise<boolean>} */
    async loadMask(blob) {
        await this.loading;
        const { drawing } = this, size = drawing.size;
        if (!size) {
            say("There is no picture to go with the mask.", "Load the picture first.");
            return false;
        }
        const mask = await maskOf(blob, size.width, size.height);
        if (!mask) return false;
        const { width, height } = mask.from;
        if (width !== size.width || height !== size.height) {
            say(`The mask has ${width} × ${height} pixels and was stretched to the picture's ${size.width} × ${size.height}.`);
        }
        drawing.edit("mask", () => {
            drawing.layers.mask.tiles = new Map();
            drawing.layers.mask.put(drawing.frame, mask.pixels);
        });
        return true;
    }

    /** The size that a request will see, margins included. @returns {{width: number, height: number} | null} */
    picture() {
        return this.drawing.size;
    }

    /** Take the picture and all that is drawn away; it can be undone. */
    clear() {
        this.drawing.load(null, false);
    }

    /**
     * What a request needs in this mode, sent to the program as far as it changed.
     * @returns {ReturnType<Uploads["value"]>}
     */
    async value() {
        await this.loading;
        const layer = this.layer;
        return this.uploads.value(layer ? [layer] : []);
    }

    /** @param {Tool} tool */
    choose(tool) {
        this.tool = tool === "frame" && this.tool === "frame" ? "brush" : tool;
        if (tool === "frame" && this.tool === "frame" && this.view.whole) this.view.fit();
        this.update();
    }

    /** Show or hide what belongs to a button. @param {string} name */
    panel(name) {
        this.opened = this.opened === name ? "" : name;
        this.update();
    }

    /** @param {number} factor */
    resizeBrush(factor) {
        const grown = Math.round(this.size * factor);
        this.resizeBrushTo(grown === this.size ? this.size + Math.sign(factor - 1) : grown);
    }

    /** @param {number} size diameter in pixels of the picture */
    resizeBrushTo(size) {
        this.size = Math.min(Math.max(size, BRUSH.least), BRUSH.most);
        this.remember();
    }

    /** @param {string} colour */
    colourTo(colour) {
        this.colours[this.layer ?? "paint"] = colour;
        this.view.maskColour = this.colours.mask;
        this.view.soon();
        this.remember();
    }

    remember() {
        localStorage.setItem(LOOK, JSON.stringify({ size: this.size, colours: this.colours }));
        this.update();
    }

    /** The bucket. @param {{x: number, y: number}} point */
    pour(point) {
        if (this.layer) this.drawing.pour(this.layer, point.x, point.y, this.pixel());
    }

    fill() {
        if (this.layer) this.drawing.fill(this.layer, this.pixel());
    }

    wipe() {
        if (this.layer) this.drawing.clear(this.layer);
    }

    /** @param {number} side @param {number} pixels */
    margin(side, pixels) {
        const margin = /** @type {import("./canvas_drawing.js").Margin} */ ([...this.drawing.margin]);
        margin[side] = Number.isFinite(pixels) ? pixels : 0;
        this.drawing.extend(margin);
        this.view.fit();
    }

    reset() {
        this.leaveLarge();
        this.view.fit();
    }

    /** Over the whole window, or over the page's other half; again: back. @param {string} how */
    large(how) {
        const on = !this.classList.contains(how);
        this.leaveLarge();
        if (!on) return;
        if (how === "overlap") this.style.width = `${document.documentElement.clientWidth - this.getBoundingClientRect().left - 16}px`;
        this.classList.add(how);
        document.documentElement.classList.toggle("canvas-screen", how === "screen");
    }

    /** @returns {boolean} whether it was larger than its place */
    leaveLarge() {
        const was = LARGE.some((each) => this.classList.contains(each));
        this.classList.remove(...LARGE);
        this.style.width = "";
        document.documentElement.classList.remove("canvas-screen");
        return was;
    }

    /** Whether the canvas is to be seen. */
    shown() {
        return Boolean(this.stage?.getClientRects().length);
    }

    /** Whether keys are meant for the canvas. @param {KeyboardEvent} event */
    attended(event) {
        const inside = this.contains(/** @type {Node} */ (event.target));
        return this.shown() && (inside || this.pointer.over || this.classList.contains("screen"));
    }

    resized() {
        this.view.resize();
        this.update();
    }

    /** @param {import("./canvas_tiles.js").Box | null} box null: everywhere */
    drawn(box) {
        if (box) this.view.draw(box);
        else this.view.soon();
    }

    changed() {
        const size = this.drawing.size, text = size ? `${size.width} ${size.height}` : "";
        if (this.known !== this.drawing.picture) this.view.fit();
        this.known = this.drawing.picture;
        this.update();
        this.uploads.soon();
        if (text === this.announced) return;
        this.announced = text;
        this.dispatchEvent(new Event("change"));
    }

    update() {
        this.words.hidden = Boolean(this.drawing.picture);
        this.classList.toggle("has-picture", Boolean(this.drawing.picture));
        this.toolbar.update();
        this.frame.update();
        this.pointer.show();
    }
}

/** The canvas of a name. @param {string} name @returns {Canvas | null} */
export const canvas = (name) => document.querySelector(`webui-canvas[data-name="${CSS.escape(name)}"]`);

/** Take a picture that was sent here. @param {"img2img" | "inpaint"} mode */
const taker = (mode) => async (/** @type {Blob} */ picture, /** @type {string} */ name) => {
    const target = (mode === "inpaint" && canvas("inpaint")) || canvas("img2img");
    if (!target || !(await target.load(picture, { name }))) return;
    if (target.mode === mode) target.dispatchEvent(new Event("mode")); // the form may be at something without a canvas
    target.mode = mode;
};

customElements.define("webui-canvas", Canvas);
/** @type {any} */ (window).webui = Object.assign(/** @type {any} */ (window).webui ?? {}, { canvas });
takes("img2img", taker("img2img"));
takes("inpaint", taker("inpaint"));
