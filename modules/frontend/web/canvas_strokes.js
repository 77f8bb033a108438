// @ts-check
// A stroke as it is drawn. In a mask each pixel is painted or not; paint has smooth edges, laid on what was there when the stroke
// began, so that going over a place twice does not roughen its edge.
import { Stretch } from "./canvas_shape.js";
import { TILE, common, empty } from "./canvas_tiles.js";

/** @typedef {import("./canvas_shape.js").Point} Point */
/** @typedef {import("./canvas_tiles.js").Box} Box */

export class Stroke {
    /**
     * @param {import("./canvas_tiles.js").Layer} layer
     * @param {{colour: number, erase: boolean, smooth: boolean, area: Box}} how `colour` as a tile's pixel; nothing outside `area` changes
     */
    constructor(layer, { colour, erase, smooth, area }) {
        this.layer = layer;
        this.before = layer.keep();
        this.colour = erase ? 0 : colour;
        this.erase = erase;
        this.smooth = smooth;
        this.area = area;
        /** How much of each pixel the stroke covers, by tile. @type {WeakMap<import("./canvas_tiles.js").Tile, Uint8Array>} */
        this.covered = new WeakMap();
        /** What stood in a tile before. @type {WeakMap<import("./canvas_tiles.js").Tile, Uint32Array | null>} */
        this.under = new WeakMap();
        /** @type {Point | null} */
        this.last = null;
    }

    /** Go on to a point. @param {Point} point @returns {Box | null} what changed */
    to(point) {
        const from = this.last ?? point;
        this.last = point;
        const shape = new Stretch(from, point, this.smooth ? -0.5 : 0);
        const edge = this.smooth ? new Stretch(from, point, 0.5) : shape;
        const box = common(edge.box(), this.area);
        if (empty(box)) return null;
        for (const part of this.layer.places(box)) this.tile(part, shape, edge);
        return box;
    }

    /** Draw in one tile. @param {Box} part @param {Stretch} shape @param {Stretch} edge */
    tile(part, shape, edge) {
        const left = Math.floor(part.left / TILE) * TILE, top = Math.floor(part.top / TILE) * TILE;
        const already = this.layer.at(part.left, part.top);
        if (this.erase && !already) return;
        let tile = null;
        for (let y = part.top; y < part.bottom; y++) {
            const [from, to] = clipped(edge.span(y), part);
            if (from >= to) continue;
            tile ??= this.begun(part, already);
            const row = (y - top) * TILE - left;
            const [inner, outer] = this.smooth ? clipped(shape.span(y), part) : [from, to];
            if (inner < outer) tile.pixels.fill(this.colour, row + inner, row + outer);
            if (!this.smooth) continue;
            const covered = /** @type {Uint8Array} */ (this.covered.get(tile)), under = this.under.get(tile) ?? null;
            if (inner < outer) covered.fill(255, row + inner, row + outer);
            for (let x = from; x < to; x++) {
                if (x === inner && inner < outer) x = outer;
                if (x < to) this.brush(tile.pixels, covered, under, row + x, edge.distance(x + 0.5, y + 0.5));
            }
        }
        tile?.changed(part.left - left, part.top - top, part.right - left, part.bottom - top);
    }

    /**
     * The tile to write, with what this stroke knows of it.
     * @param {Box} part
     * @param {import("./canvas_tiles.js").Tile | undefined} already
     */
    begun(part, already) {
        const tile = this.layer.writable(part.left, part.top);
        if (this.smooth && !this.covered.has(tile)) {
            this.covered.set(tile, new Uint8Array(TILE * TILE));
            this.under.set(tile, already ? already.pixels : null);
        }
        return tile;
    }

    /**
     * A pixel on the edge.
     * @param {Uint32Array} pixels
     * @param {Uint8Array} covered
     * @param {Uint32Array | null} under
     * @param {number} place
     * @param {number} distance to the outer edge
     */
    brush(pixels, covered, under, place, distance) {
        const cover = Math.round(255 * Math.min(Math.max(-distance, 0), 1));
        if (cover <= covered[place]) return;
        covered[place] = cover;
        const below = under ? under[place] : 0;
        pixels[place] = this.erase ? thinned(below, cover) : over(below, this.colour, cover);
    }
}

/** @param {[number, number]} span @param {Box} part @returns {[number, number]} */
const clipped = ([from, to], part) => [Math.max(from, part.left), Math.min(to, part.right)];

/** A pixel with a share of it taken away. @param {number} below @param {number} cover 0..255 */
function thinned(below, cover) {
    const alpha = Math.round(((below >>> 24) * (255 - cover)) / 255);
    return alpha ? ((alpha << 24) | (below & 0xffffff)) >>> 0 : 0;
}

/** An opaque colour laid over a share of a pixel. @param {number} below @param {number} colour @param {number} cover 0..255 */
function over(below, colour, cover) {
    const left = ((below >>> 24) * (255 - cover)) / 255;
    const alpha = cover + left;
    const mixed = (/** @type {number} */ shift) =>
        Math.round((((colour >>> shift) & 255) * cover + ((below >>> shift) & 255) * left) / alpha) << shift;
    return ((Math.round(alpha) << 24) | mixed(16) | mixed(8) | mixed(0)) >>> 0;
}
