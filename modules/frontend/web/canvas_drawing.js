// @ts-check
// The drawing: a picture, its margins, what is painted over it, what is masked, and all states that it was in before.
import { feather, invert, pourColour, pourMask } from "./canvas_area.js";
import { Layer, TILE_BYTES, around, common, empty } from "./canvas_tiles.js";
import { Stroke } from "./canvas_strokes.js";
import { LONGEST } from "./canvas_picture.js";

/** @typedef {import("./canvas_tiles.js").Box} Box */
/** @typedef {import("./canvas_tiles.js").Tile} Tile */
/** @typedef {import("./canvas_picture.js").Picture} Picture */
/** @typedef {"paint" | "mask"} LayerName */
/** @typedef {[number, number, number, number]} Margin left, top, right, bottom, in pixels */
/**
 * @typedef {object} State
 * @property {Picture | null} picture
 * @property {Margin} margin
 * @property {Map<number, Tile>} paint
 * @property {Map<number, Tile>} mask
 * @property {{paint: number, mask: number}} versions
 */

const STATES = 100;
const STEP = 8; // margins are multiples of it, as sizes are
/** Bytes that older states may hold beyond the newest. A browser says how many gigabytes there are, 8 at most. */
const MEMORY = Math.min(/** @type {any} */ (navigator).deviceMemory ?? 4, 8) * 48 * 2 ** 20;

/** Dispatches "drawn" with the box that changed as its detail, and "changed" after the picture, a margin or the states did. */
export class Drawing extends EventTarget {
    constructor() {
        super();
        /** @type {Picture | null} */
        this.picture = null;
        /** @type {Margin} */
        this.margin = [0, 0, 0, 0];
        this.layers = { paint: new Layer(), mask: new Layer() };
        /** Numbers that stand for the layers' content. */
        this.versions = { paint: 0, mask: 0 };
        this.newest = 0;
        /** @type {State[]} */
        this.past = [];
        /** @type {State[]} */
        this.future = [];
    }

    /** The picture with its margins. @returns {Box} empty without a picture */
    get frame() {
        const [left, top, right, bottom] = this.margin;
        return { left: -left, top: -top, right: (this.picture?.width ?? 0) + right, bottom: (this.picture?.height ?? 0) + bottom };
    }

    /** @returns {{width: number, height: number} | null} with margins */
    get size() {
        const { left, top, right, bottom } = this.frame;
        return this.picture && { width: right - left, height: bottom - top };
    }

    /** @returns {State} as it is now; what is drawn from here on does not change it */
    state() {
        return { picture: this.picture, margin: [...this.margin], paint: this.layers.paint.keep(), mask: this.layers.mask.keep(),
            versions: { ...this.versions } };
    }

    /**
     * Change something in a way that can be undone.
     * @param {LayerName | null} layer that changes, if one does
     * @param {() => Box | null | void} act gives back where it changed something; nothing: anywhere
     */
    edit(layer, act) {
        const before = this.state();
        const changed = act();
        this.done(before, layer);
        this.dispatchEvent(new CustomEvent("drawn", { detail: changed ?? null }));
    }

    /** What was begun with `before` is a change of its own. @param {State} before @param {LayerName | null} layer */
    done(before, layer) {
        if (layer) this.versions[layer] = this.layers[layer].tiles.size ? ++this.newest : 0;
        this.past.push(before);
        this.future = [];
        this.forget();
        this.dispatchEvent(new Event("changed"));
    }

    /** Forget the oldest states while they are too many or hold too much. */
    forget() {
        const known = new Set([...this.layers.paint.tiles.values(), ...this.layers.mask.tiles.values(), this.picture]);
        let bytes = 0, kept = 0;
        for (const state of [...this.past].reverse()) {
            for (const tile of [...state.paint.values(), ...state.mask.values()]) {
                if (!known.has(tile)) bytes += TILE_BYTES;
                known.add(tile);
            }
            if (state.picture && !known.has(state.picture)) bytes += state.picture.width * state.picture.height * 4;
            known.add(state.picture);
            if (bytes > MEMORY || kept === STATES) break;
            kept++;
        }
        this.past.splice(0, this.past.length - kept);
    }

    /** @param {State} state */
    show(state) {
        const where = [this.layers.paint.restore(state.paint), this.layers.mask.restore(state.mask)];
        const whole = state.picture !== this.picture || state.margin.some((side, at) => side !== this.margin[at]);
        this.picture = state.picture;
        this.margin = [...state.margin];
        this.versions = { ...state.versions };
        let changed = null;
        for (const box of where) if (box) changed = around(changed, box);
        this.dispatchEvent(new CustomEvent("drawn", { detail: whole ? null : (changed ?? { left: 0, top: 0, right: 0, bottom: 0 }) }));
        this.dispatchEvent(new Event("changed"));
    }

    undo() {
        const state = this.past.pop();
        if (!state) return;
        this.future.push(this.state());
        this.show(state);
    }

    redo() {
        const state = this.future.pop();
        if (!state) return;
        this.past.push(this.state());
        this.show(state);
    }

    /** @param {Picture | null} picture @param {boolean} keepLayers what is drawn stays where it is */
    load(picture, keepLayers) {
        const before = this.state();
        this.picture = picture;
        this.margin = [0, 0, 0, 0];
        if (!keepLayers) for (const name of /** @type {LayerName[]} */ (["paint", "mask"])) this.wipe(name);
        if (before.picture || picture) this.done(before, null);
        this.dispatchEvent(new CustomEvent("drawn", { detail: null }));
    }

    /** @param {LayerName} name */
    wipe(name) {
        this.layers[name].tiles = new Map();
        this.versions[name] = 0;
    }

    /** @param {LayerName} name */
    clear(name) {
        this.edit(name, () => this.wipe(name));
    }

    /** @param {LayerName} name @param {number} colour */
    fill(name, colour) {
        this.edit(name, () => this.layers[name].fill(this.frame, colour));
    }

    /** The bucket. @param {LayerName} name @param {number} x @param {number} y @param {number} colour */
    pour(name, x, y, colour) {
        const area = this.frame, layer = this.layers[name];
        const place = [Math.floor(x), Math.floor(y)];
        if (empty(common(area, { left: place[0], top: place[1], right: place[0] + 1, bottom: place[1] + 1 }))) return;
        this.edit(name, () => {
            if (name === "mask") pourMask(layer, area, place[0], place[1]);
            else pourColour(layer, area, this.seen(), { x: place[0], y: place[1], colour });
        });
    }

    /** What is seen over the frame: the picture under the paint. @returns {Uint32Array} */
    seen() {
        const area = this.frame, seen = this.layers.paint.read(area);
        if (!this.picture) return seen;
        const { width, height } = this.picture, pixels = this.picture.pixels(), across = area.right - area.left;
        for (let y = 0; y < height; y++) {
            for (let x = 0, at = (y - area.top) * across - area.left; x < width; x++) {
                if (seen[at + x] >>> 24 < 128) seen[at + x] = pixels[y * width + x];
            }
        }
        return seen;
    }

    invert() {
        this.edit("mask", () => invert(this.layers.mask, this.frame));
    }

    /** @param {number} reach in pixels */
    feather(reach) {
        this.edit("mask", () => feather(this.layers.mask, this.frame, reach));
    }

    /** @param {LayerName} name @param {{colour: number, erase: boolean}} how */
    stroke(name, how) {
        return new Stroke(this.layers[name], { ...how, smooth: name === "paint", area: this.frame });
    }

    /** New margins, each brought to a multiple of 8 and to what fits. @param {Margin} margin @returns {Margin} */
    fitting(margin) {
        const sides = margin.map((side) => Math.max(0, Math.round(side / STEP) * STEP));
        for (const [first, second, length] of [[0, 2, this.picture?.width ?? 0], [1, 3, this.picture?.height ?? 0]]) {
            const room = Math.max(0, Math.floor((LONGEST - length) / STEP) * STEP);
            const [grown, other] = sides[first] !== this.margin[first] ? [first, second] : [second, first];
            sides[other] = Math.min(sides[other], room);
            sides[grown] = Math.min(sides[grown], room - sides[other]);
        }
        return /** @type {Margin} */ (sides);
    }

    /** Move the frame while it is dragged; `done` ends that. @param {Margin} margin */
    stretch(margin) {
        this.margin = this.fitting(margin);
        this.dispatchEvent(new CustomEvent("drawn", { detail: null }));
    }

    /** @param {Margin} margin */
    extend(margin) {
        if (!this.picture || !this.fitting(margin).some((side, at) => side !== this.margin[at])) return;
        this.edit(null, () => void (this.margin = this.fitting(margin)));
    }
}
