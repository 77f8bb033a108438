// @ts-check
// A layer of the canvas at the picture's own resolution: square tiles of pixels, made where something is drawn. A tile that an
// older state of the drawing knows is never written again, so that a state is a copy of the list, not of the pixels.

export const TILE = 256;
const HALF = 512; // tiles on each side of the origin: margins have places below zero
export const TILE_BYTES = TILE * TILE * 4;

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box in pixels of the picture; right and bottom are outside */

/** @param {number} across @param {number} down */
const keyOf = (across, down) => (down + HALF) * 2 * HALF + across + HALF;
/** @param {number} key @returns {[number, number]} left and top of the tile, in pixels */
export const placeOf = (key) => [((key % (2 * HALF)) - HALF) * TILE, (Math.floor(key / (2 * HALF)) - HALF) * TILE];

/** @param {Box} one @param {Box} other @returns {Box} may be empty: its right is then not beyond its left */
export const common = (one, other) => ({
    left: Math.max(one.left, other.left), top: Math.max(one.top, other.top),
    right: Math.min(one.right, other.right), bottom: Math.min(one.bottom, other.bottom),
});
/** @param {Box} box */
export const empty = (box) => box.right <= box.left || box.bottom <= box.top;
/** @param {Box | null} one @param {Box} other @returns {Box} */
export const around = (one, other) => (!one ? { ...other } : {
    left: Math.min(one.left, other.left), top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right), bottom: Math.max(one.bottom, other.bottom),
});

/** A canvas that is not in the page. @param {number} width @param {number} height */
export function surface(width, height) {
    const made = document.createElement("canvas");
    [made.width, made.height] = [width, height];
    return made;
}

/** 256 x 256 pixels, not premultiplied, as 32-bit numbers (alpha highest), with a canvas that shows them. */
export class Tile {
    /** @param {Uint32Array<ArrayBuffer>} [pixels] */
    constructor(pixels = new Uint32Array(TILE * TILE)) {
        this.pixels = pixels;
        /** @type {HTMLCanvasElement | null} */
        this.shown = null;
        /** What changed since it was last shown, from the tile's corner. @type {Box | null} */
        this.stale = null;
        this.shared = false; // several places hold this very tile
    }

    /** A tile of the same pixels that may be written. */
    copy() {
        const made = new Tile(this.pixels.slice());
        if (this.shared) return made;
        [made.shown, made.stale] = [this.shown, this.stale]; // the canvas goes with the newer one: it is the one on the screen
        [this.shown, this.stale] = [null, null];
        return made;
    }

    /** @param {number} left @param {number} top @param {number} right @param {number} bottom */
    changed(left, top, right, bottom) {
        this.stale = around(this.stale, { left, top, right, bottom });
    }

    /** @returns {HTMLCanvasElement} with the pixels as they are now */
    picture() {
        if (!this.shown) {
            this.shown = surface(TILE, TILE);
            this.shown.getContext("2d", { willReadFrequently: true }); // kept in memory: only a small part changes at a time
            this.stale = { left: 0, top: 0, right: TILE, bottom: TILE };
        }
        if (this.stale) {
            const { left, top, right, bottom } = this.stale;
            const image = new ImageData(new Uint8ClampedArray(this.pixels.buffer), TILE, TILE);
            this.shown.getContext("2d")?.putImageData(image, 0, 0, left, top, right - left, bottom - top);
            this.stale = null;
        }
        return this.shown;
    }
}

export class Layer {
    constructor() {
        /** @type {Map<number, Tile>} */
        this.tiles = new Map();
        /** Tiles that no older state knows. @type {Set<Tile>} */
        this.own = new Set();
    }

    /** What is drawn from here on leaves the tiles of before untouched. @returns {Map<number, Tile>} those */
    keep() {
        this.own = new Set();
        return new Map(this.tiles);
    }

    /** @param {Map<number, Tile>} tiles @returns {Box | null} where that changed something */
    restore(tiles) {
        /** @type {Box | null} */
        let changed = null;
        for (const key of new Set([...this.tiles.keys(), ...tiles.keys()])) {
            if (this.tiles.get(key) === tiles.get(key)) continue;
            const [left, top] = placeOf(key);
            changed = around(changed, { left, top, right: left + TILE, bottom: top + TILE });
        }
        this.tiles = new Map(tiles);
        this.own = new Set();
        return changed;
    }

    /** The tile over a pixel, to be written. @param {number} x @param {number} y */
    writable(x, y) {
        const key = keyOf(Math.floor(x / TILE), Math.floor(y / TILE));
        const found = this.tiles.get(key);
        if (found && this.own.has(found)) return found;
        const tile = found ? found.copy() : new Tile();
        this.own.add(tile);
        this.tiles.set(key, tile);
        return tile;
    }

    /** The tile over a pixel, to be read. @param {number} x @param {number} y */
    at(x, y) {
        return this.tiles.get(keyOf(Math.floor(x / TILE), Math.floor(y / TILE)));
    }

    /** The places of all tiles. @returns {Generator<Box>} */
    *boxes() {
        for (const key of this.tiles.keys()) {
            const [left, top] = placeOf(key);
            yield { left, top, right: left + TILE, bottom: top + TILE };
        }
    }

    /** Every tile's place over an area. @param {Box} area @returns {Generator<Box>} the part of the area in each */
    *places(area) {
        for (let top = Math.floor(area.top / TILE) * TILE; top < area.bottom; top += TILE) {
            for (let left = Math.floor(area.left / TILE) * TILE; left < area.right; left += TILE) {
                yield common(area, { left, top, right: left + TILE, bottom: top + TILE });
            }
        }
    }

    /** One colour over an area. Tiles wholly inside are all the same one. @param {Box} area @param {number} colour */
    fill(area, colour) {
        const whole = new Tile();
        whole.pixels.fill(colour);
        whole.shared = true;
        for (const part of this.places(area)) {
            const key = keyOf(Math.floor(part.left / TILE), Math.floor(part.top / TILE));
            if (part.right - part.left === TILE && part.bottom - part.top === TILE) this.tiles.set(key, whole);
            else this.write(part, (pixels, from, to) => pixels.fill(colour, from, to));
        }
    }

    /**
     * Change a part of one tile, row by row.
     * @param {Box} part
     * @param {(pixels: Uint32Array, from: number, to: number, y: number) => void} row
     */
    write(part, row) {
        const tile = this.writable(part.left, part.top);
        const left = Math.floor(part.left / TILE) * TILE, top = Math.floor(part.top / TILE) * TILE;
        for (let y = part.top; y < part.bottom; y++) {
            const start = (y - top) * TILE;
            row(tile.pixels, start + part.left - left, start + part.right - left, y);
        }
        tile.changed(part.left - left, part.top - top, part.right - left, part.bottom - top);
    }

    /** The pixels of an area, row by row. @param {Box} area @returns {Uint32Array<ArrayBuffer>} */
    read(area) {
        const width = area.right - area.left;
        const pixels = new Uint32Array(width * (area.bottom - area.top));
        for (const part of this.places(area)) {
            const tile = this.at(part.left, part.top);
            if (!tile) continue;
            const left = Math.floor(part.left / TILE) * TILE, top = Math.floor(part.top / TILE) * TILE;
            for (let y = part.top; y < part.bottom; y++) {
                const start = (y - top) * TILE - left;
                pixels.set(tile.pixels.subarray(start + part.left, start + part.right), (y - area.top) * width + part.left - area.left);
            }
        }
        return pixels;
    }

    /** Put pixels, row by row, over an area. @param {Box} area @param {Uint32Array} pixels */
    put(area, pixels) {
        const width = area.right - area.left;
        for (const part of this.places(area)) {
            if (!this.at(part.left, part.top) && blank(area, part, pixels)) continue;
            this.write(part, (tile, from, to, y) => {
                const start = (y - area.top) * width + part.left - area.left;
                tile.set(pixels.subarray(start, start + to - from), from);
            });
        }
    }
}

/** Whether a part of an area's pixels is clear throughout. @param {Box} area @param {Box} part @param {Uint32Array} pixels */
function blank(area, part, pixels) {
    const width = area.right - area.left;
    for (let y = part.top; y < part.bottom; y++) {
        const start = (y - area.top) * width - area.left;
        if (pixels.subarray(start + part.left, start + part.right).some(Boolean)) return false;
    }
    return true;
}
