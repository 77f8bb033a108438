// @ts-check
// What is done to a whole area of a layer at once: the bucket, turning a mask over, softening its edge.
import { common } from "./canvas_tiles.js";

/** @typedef {import("./canvas_tiles.js").Box} Box */
/** @typedef {import("./canvas_tiles.js").Layer} Layer */

export const WHITE = 0xffffffff;
const ALIKE = 32; // the most that a channel may differ for the bucket to flow on

/**
 * The pixels that hang together with one and look like it.
 * @param {number} width
 * @param {number} height
 * @param {number} x
 * @param {number} y
 * @param {(place: number) => boolean} alike by the pixel's place, row by row
 * @returns {{inside: Uint8Array, box: Box}} 1 for those that belong
 */
export function flood(width, height, x, y, alike) {
    const inside = new Uint8Array(width * height);
    const box = { left: x, top: y, right: x + 1, bottom: y + 1 };
    const open = [x, y];
    const free = (/** @type {number} */ place) => !inside[place] && alike(place);
    while (open.length) {
        const row = /** @type {number} */ (open.pop()), start = /** @type {number} */ (open.pop());
        const line = row * width;
        if (!free(line + start)) continue;
        let left = start, right = start + 1;
        while (left > 0 && free(line + left - 1)) left--;
        while (right < width && free(line + right)) right++;
        inside.fill(1, line + left, line + right);
        Object.assign(box, { left: Math.min(box.left, left), top: Math.min(box.top, row), right: Math.max(box.right, right),
            bottom: Math.max(box.bottom, row + 1) });
        for (const next of [row - 1, row + 1]) {
            if (next < 0 || next >= height) continue;
            let before = false;
            for (let place = next * width + left, column = left; column < right; column++, place++) {
                const now = free(place);
                if (now && !before) open.push(column, next);
                before = now;
            }
        }
    }
    return { inside, box };
}

/**
 * The bucket on a mask: white flows over what is not masked, up to what is.
 * @param {Layer} layer
 * @param {Box} area
 * @param {number} x
 * @param {number} y
 */
export function pourMask(layer, area, x, y) {
    const pixels = layer.read(area);
    pour(layer, area, x, y, WHITE, (place) => pixels[place] >>> 24 < 128);
}

/**
 * The bucket with a colour: it flows over what is seen, picture and paint, as long as that resembles where it was poured.
 * @param {Layer} layer
 * @param {Box} area
 * @param {Uint32Array} seen the pixels of the area
 * @param {{x: number, y: number, colour: number}} where
 */
export function pourColour(layer, area, seen, { x, y, colour }) {
    const first = seen[(y - area.top) * (area.right - area.left) + x - area.left];
    const near = (/** @type {number} */ pixel, /** @type {number} */ shift) =>
        Math.abs(((pixel >>> shift) & 255) - ((first >>> shift) & 255)) <= ALIKE;
    pour(layer, area, x, y, colour, (place) => {
        const pixel = seen[place];
        return pixel === first || (near(pixel, 0) && near(pixel, 8) && near(pixel, 16) && near(pixel, 24));
    });
}

/**
 * @param {Layer} layer
 * @param {Box} area
 * @param {number} x
 * @param {number} y
 * @param {number} colour
 * @param {(place: number) => boolean} alike by the pixel's place in the area
 */
function pour(layer, area, x, y, colour, alike) {
    const width = area.right - area.left;
    const { inside, box } = flood(width, area.bottom - area.top, x - area.left, y - area.top, alike);
    const found = { left: box.left + area.left, top: box.top + area.top, right: box.right + area.left, bottom: box.bottom + area.top };
    for (const part of layer.places(found)) {
        if (!holds(inside, width, part, area)) continue;
        layer.write(part, (pixels, from, to, row) => {
            const place = (row - area.top) * width + part.left - area.left - from;
            for (let at = from; at < to; at++) if (inside[place + at]) pixels[at] = colour;
        });
    }
}

/** Whether any pixel of a part is inside. @param {Uint8Array} inside @param {number} width @param {Box} part @param {Box} area */
function holds(inside, width, part, area) {
    for (let y = part.top; y < part.bottom; y++) {
        const start = (y - area.top) * width - area.left;
        if (inside.subarray(start + part.left, start + part.right).includes(1)) return true;
    }
    return false;
}

/** Turn a mask over. @param {Layer} layer @param {Box} area */
export function invert(layer, area) {
    const before = new Map(layer.tiles);
    layer.fill(area, WHITE);
    const filled = layer.tiles;
    layer.tiles = before;
    for (const part of layer.places(area)) {
        if (layer.at(part.left, part.top)) {
            layer.write(part, (pixels, from, to) => {
                for (let at = from; at < to; at++) {
                    const left = 255 - (pixels[at] >>> 24);
                    pixels[at] = left ? ((left << 24) | 0xffffff) >>> 0 : 0;
                }
            });
        }
    }
    for (const [key, tile] of filled) if (!layer.tiles.has(key)) layer.tiles.set(key, tile);
}

/**
 * Soften a mask's edge: it fades from white to black over `reach` pixels on both sides.
 * @param {Layer} layer
 * @param {Box} area
 * @param {number} reach in pixels
 */
export function feather(layer, area, reach) {
    const drawn = extent(layer);
    if (!drawn) return;
    const wide = { left: drawn.left - reach, top: drawn.top - reach, right: drawn.right + reach, bottom: drawn.bottom + reach };
    const box = common(wide, area);
    const width = box.right - box.left, height = box.bottom - box.top;
    if (width <= 0 || height <= 0) return;
    const pixels = layer.read(box);
    let values = new Uint8Array(pixels.length);
    for (let at = 0; at < pixels.length; at++) values[at] = pixels[at] >>> 24;
    const radius = Math.max(1, Math.round(reach / 3)); // three times one after the other
    for (let pass = 0; pass < 3; pass++) values = down(across(values, width, radius), width, radius);
    for (let at = 0; at < values.length; at++) pixels[at] = values[at] ? ((values[at] << 24) | 0xffffff) >>> 0 : 0;
    layer.put(box, pixels);
}

/** All tiles of a layer together. @param {Layer} layer @returns {Box | null} */
function extent(layer) {
    const boxes = [...layer.boxes()];
    if (!boxes.length) return null;
    return {
        left: Math.min(...boxes.map((box) => box.left)), top: Math.min(...boxes.map((box) => box.top)),
        right: Math.max(...boxes.map((box) => box.right)), bottom: Math.max(...boxes.map((box) => box.bottom)),
    };
}

/** Means over a row's neighbours; its ends go on beyond. @param {Uint8Array} values @param {number} width @param {number} radius */
function across(values, width, radius) {
    const means = new Uint8Array(values.length);
    const share = 1 / (2 * radius + 1);
    for (let start = 0; start < values.length; start += width) {
        const last = start + width - 1;
        let sum = values[start] * (radius + 1);
        for (let at = 0; at < radius; at++) sum += values[Math.min(start + at, last)];
        for (let at = start; at <= last; at++) {
            const next = at + radius, gone = at - radius - 1;
            sum += values[next > last ? last : next] - values[gone < start ? start : gone];
            means[at] = sum * share + 0.5;
        }
    }
    return means;
}

/** The same over columns. @param {Uint8Array} values @param {number} width @param {number} radius */
function down(values, width, radius) {
    const height = values.length / width, means = new Uint8Array(values.length);
    const share = 1 / (2 * radius + 1);
    const sums = new Uint32Array(width);
    const row = (/** @type {number} */ y) => Math.min(Math.max(y, 0), height - 1) * width;
    for (let y = -radius - 1; y < radius; y++) for (let x = 0, at = row(y); x < width; x++, at++) sums[x] += values[at];
    for (let y = 0; y < height; y++) {
        const next = row(y + radius), gone = row(y - radius - 1), at = y * width;
        for (let x = 0; x < width; x++) {
            sums[x] += values[next + x] - values[gone + x];
            means[at + x] = sums[x] * share + 0.5;
        }
    }
    return means;
}
