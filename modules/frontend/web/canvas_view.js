// @ts-check
// What of the drawing is seen, how large, and where. Two canvases lie over one another at the screen's resolution: the picture,
// drawn anew when the view changes, and the layers, of which a stroke draws only the part that it touched.
import { TILE, common, empty, placeOf, surface } from "./canvas_tiles.js";

/** @typedef {import("./canvas_tiles.js").Box} Box */

const SMALLEST = 0.02;
const LARGEST = 32; // pixels of the screen for one of the picture
const ROOM = 12; // pixels of the screen around a picture that is shown whole
const MASK_OPACITY = 0.55;
const OVERLAP = 8; // pixels of the picture beside a margin that are masked with it, as modules/frontend/canvas.py does

export class View {
    /** @param {import("./canvas_drawing.js").Drawing} drawing @param {HTMLElement} stage */
    constructor(drawing, stage) {
        this.drawing = drawing;
        this.stage = stage;
        this.back = surface(1, 1);
        this.front = surface(1, 1);
        for (const canvas of [this.back, this.front]) canvas.setAttribute("aria-hidden", "true");
        this.scale = 1;
        this.x = 0;
        this.y = 0;
        this.whole = true; // the whole frame is shown, and stays so when the stage changes its size
        /** Which layer is shown. @type {import("./canvas_drawing.js").LayerName | null} */
        this.layer = null;
        this.maskColour = "#e0218a";
        /** Called after the view has changed. */
        this.moved = () => {};
        this.frame = 0;
    }

    /** Pixels of the screen in a CSS pixel. */
    get density() {
        return window.devicePixelRatio || 1;
    }

    /** The stage has another size. */
    resize() {
        const width = Math.round(this.stage.clientWidth * this.density), height = Math.round(this.stage.clientHeight * this.density);
        if (!width || !height || (this.back.width === width && this.back.height === height)) return;
        for (const canvas of [this.back, this.front]) {
            [canvas.width, canvas.height] = [width, height];
            Object.assign(canvas.style, { width: `${width / this.density}px`, height: `${height / this.density}px` });
        }
        if (this.whole) this.fit();
        else this.soon();
    }

    /** Show the whole frame. */
    fit() {
        this.whole = true;
        const size = this.drawing.size;
        if (!size) return this.soon();
        const room = ROOM * this.density, frame = this.drawing.frame;
        const scale = Math.min((this.back.width - 2 * room) / size.width, (this.back.height - 2 * room) / size.height, 4 * this.density);
        this.scale = Math.max(scale, SMALLEST);
        this.x = Math.round((this.back.width - size.width * this.scale) / 2 - frame.left * this.scale);
        this.y = Math.round((this.back.height - size.height * this.scale) / 2 - frame.top * this.scale);
        this.soon();
    }

    /**
     * Zoom so that a point of the stage, in CSS pixels, stays where it is.
     * @param {number} factor
     * @param {number} [x]
     * @param {number} [y]
     */
    zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
        const scale = Math.min(Math.max(this.scale * factor, SMALLEST), LARGEST);
        const [px, py] = [x * this.density, y * this.density];
        this.x = px - ((px - this.x) / this.scale) * scale;
        this.y = py - ((py - this.y) / this.scale) * scale;
        this.scale = scale;
        this.whole = false;
        this.soon();
    }

    /** @param {number} dx in CSS pixels @param {number} dy */
    pan(dx, dy) {
        const frame = this.drawing.frame, kept = 40 * this.density; // so much of the picture stays in sight
        const within = (/** @type {number} */ value, /** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ room) =>
            Math.min(Math.max(value, kept - to * this.scale), room - kept - from * this.scale);
        this.x = within(this.x + dx * this.density, frame.left, frame.right, this.back.width);
        this.y = within(this.y + dy * this.density, frame.top, frame.bottom, this.back.height);
        this.whole = false;
        this.soon();
    }

    /** A place on the stage in pixels of the picture. @param {number} x in CSS pixels @param {number} y */
    point(x, y) {
        return { x: (x * this.density - this.x) / this.scale, y: (y * this.density - this.y) / this.scale };
    }

    /** A box of the picture on the stage, in CSS pixels. @param {Box} box */
    onStage(box) {
        const at = (/** @type {number} */ value, /** @type {number} */ origin) => (value * this.scale + origin) / this.density;
        return { left: at(box.left, this.x), top: at(box.top, this.y), right: at(box.right, this.x), bottom: at(box.bottom, this.y) };
    }

    /** Pixels of the screen, whole ones, of a box of the picture. @param {Box} box @returns {Box} */
    onScreen(box) {
        return {
            left: Math.round(box.left * this.scale + this.x), top: Math.round(box.top * this.scale + this.y),
            right: Math.round(box.right * this.scale + this.x), bottom: Math.round(box.bottom * this.scale + this.y),
        };
    }

    /** Draw all with the screen's next picture. */
    soon() {
        this.frame ||= requestAnimationFrame(() => {
            this.frame = 0;
            this.drawBack();
            this.draw(null);
            this.moved();
        });
    }

    drawBack() {
        const context = /** @type {CanvasRenderingContext2D} */ (this.back.getContext("2d"));
        context.clearRect(0, 0, this.back.width, this.back.height);
        const { picture, frame } = this.drawing;
        if (!picture) return;
        const box = this.onScreen({ left: 0, top: 0, right: picture.width, bottom: picture.height });
        const { source, factor } = picture.level(this.scale);
        context.imageSmoothingEnabled = this.scale < 3;
        const part = (/** @type {Box} */ from, /** @type {Box} */ to) => {
            if (empty(to)) return;
            const [left, top, right, bottom] = [from.left, from.top, from.right, from.bottom].map((side) => side * factor);
            context.drawImage(source, left, top, right - left, bottom - top, to.left, to.top, to.right - to.left, to.bottom - to.top);
        };
        if (this.drawing.margin.some(Boolean)) this.drawMargins(picture, box, this.onScreen(frame), part);
        part(...this.visible(picture, box));
    }

    /**
     * The part of the picture that is on the stage, and where.
     * @param {{width: number, height: number}} picture
     * @param {Box} box of the whole picture on the screen
     * @returns {[Box, Box]}
     */
    visible(picture, box) {
        const seen = common(box, { left: 0, top: 0, right: this.back.width, bottom: this.back.height });
        const across = picture.width / (box.right - box.left), down = picture.height / (box.bottom - box.top);
        return [{ left: (seen.left - box.left) * across, top: (seen.top - box.top) * down,
            right: (seen.right - box.left) * across, bottom: (seen.bottom - box.top) * down }, seen];
    }

    /**
     * The margins as they will be sent: the colours of the edges drawn out.
     * @param {{width: number, height: number}} picture
     * @param {Box} box of the picture on the screen
     * @param {Box} frame on the screen
     * @param {(from: Box, to: Box) => void} part
     */
    drawMargins({ width, height }, box, frame, part) {
        const columns = [[0, 1, frame.left, box.left], [0, width, box.left, box.right], [width - 1, width, box.right, frame.right]];
        const rows = [[0, 1, frame.top, box.top], [0, height, box.top, box.bottom], [height - 1, height, box.bottom, frame.bottom]];
        columns.forEach(([left, right, toLeft, toRight], column) => rows.forEach(([top, bottom, toTop, toBottom], row) => {
            if (column === 1 && row === 1) return;
            part({ left, top, right, bottom }, { left: toLeft, top: toTop, right: toRight, bottom: toBottom });
        }));
    }

    /** Draw the layer over a box of the picture; null: everywhere. @param {Box | null} box */
    draw(box) {
        const context = /** @type {CanvasRenderingContext2D} */ (this.front.getContext("2d"));
        const screen = { left: 0, top: 0, right: this.front.width, bottom: this.front.height };
        const grown = box && { left: box.left - 1, top: box.top - 1, right: box.right + 1, bottom: box.bottom + 1 };
        const dirty = grown ? common(this.onScreen(grown), screen) : screen;
        if (empty(dirty)) return;
        context.clearRect(dirty.left, dirty.top, dirty.right - dirty.left, dirty.bottom - dirty.top);
        const area = common(dirty, this.onScreen(this.drawing.frame));
        if (!this.layer || !this.drawing.picture || empty(area)) return;
        context.save();
        context.beginPath();
        context.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
        context.clip();
        context.imageSmoothingEnabled = this.scale < 3;
        this.drawTiles(context, this.drawing.layers[this.layer], area);
        if (this.layer === "mask") {
            for (const margin of this.masked()) fill(context, common(area, this.onScreen(margin)));
            context.globalCompositeOperation = "source-in";
            context.globalAlpha = MASK_OPACITY;
            context.fillStyle = this.maskColour;
            fill(context, area);
        }
        context.restore();
    }

    /** The margins, which are masked whatever is drawn, and a little of the picture beside them. @returns {Box[]} */
    masked() {
        const { frame, margin, picture } = this.drawing;
        const [left, top, right, bottom] = margin.map((side) => side && side + OVERLAP);
        const edge = { left: frame.left + left, top: frame.top + top, right: frame.right - right, bottom: frame.bottom - bottom };
        if (!picture) return [];
        const across = [{ ...frame, right: edge.left }, { ...frame, left: edge.right }];
        return [...across, { ...frame, bottom: edge.top }, { ...frame, top: edge.bottom }];
    }

    /** @param {CanvasRenderingContext2D} context @param {import("./canvas_tiles.js").Layer} layer @param {Box} area on the screen */
    drawTiles(context, layer, area) {
        for (const [key, tile] of layer.tiles) {
            const [left, top] = placeOf(key);
            const place = this.onScreen({ left, top, right: left + TILE, bottom: top + TILE });
            if (empty(common(place, area))) continue;
            context.drawImage(tile.picture(), place.left, place.top, place.right - place.left, place.bottom - place.top);
        }
    }
}

/** @param {CanvasRenderingContext2D} context @param {Box} box */
function fill(context, box) {
    if (!empty(box)) context.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
}
