// @ts-check
// A worker of its own that packs a layer as PNG, exactly and without holding up the page: masks in grey, paint with its alpha.
import { TILE } from "./canvas_tiles.js";

/**
 * @typedef {object} Work
 * @property {number} id
 * @property {boolean} grey the alpha alone, as brightness
 * @property {import("./canvas_tiles.js").Box} frame
 * @property {{left: number, top: number, pixels: Uint32Array}[]} tiles
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GREY = 0, RGBA = 6;
const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
});

/** @param {string} kind @param {Uint8Array} data @returns {Uint8Array<ArrayBuffer>} */
function chunk(kind, data) {
    const made = new Uint8Array(data.length + 12);
    const view = new DataView(made.buffer);
    view.setUint32(0, data.length);
    for (let at = 0; at < 4; at++) made[4 + at] = kind.charCodeAt(at);
    made.set(data, 8);
    let crc = ~0;
    for (let at = 4; at < made.length - 4; at++) crc = TABLE[(crc ^ made[at]) & 255] ^ (crc >>> 8);
    view.setUint32(made.length - 4, ~crc);
    return made;
}

/** The rows of a band of tiles as PNG has them, each behind a 0: no filter. @param {Work} work @param {number} from @param {number} to */
function rows({ grey, frame, tiles }, from, to) {
    const width = frame.right - frame.left, line = 1 + width * (grey ? 1 : 4);
    const bytes = new Uint8Array(line * (to - from));
    let blank = true;
    for (const { left, top, pixels } of tiles) {
        const first = Math.max(top, from), last = Math.min(top + TILE, to);
        const start = Math.max(left, frame.left), end = Math.min(left + TILE, frame.right);
        if (first >= last || start >= end) continue;
        for (let y = first; y < last; y++) {
            const source = pixels.subarray((y - top) * TILE + start - left, (y - top) * TILE + end - left);
            const place = (y - from) * line + 1 + (start - frame.left) * (grey ? 1 : 4);
            blank &&= source.every((pixel) => pixel >>> 24 === 0);
            if (grey) for (let at = 0; at < source.length; at++) bytes[place + at] = source[at] >>> 24;
            else bytes.set(new Uint8Array(source.buffer, source.byteOffset, source.byteLength), place);
        }
    }
    return { bytes, blank };
}

/** @param {Work} work @returns {Promise<Blob | null>} null for a layer with nothing on it */
async function packed(work) {
    const { frame, grey } = work;
    const squeeze = new CompressionStream("deflate");
    const writer = squeeze.writable.getWriter();
    const result = new Response(squeeze.readable).arrayBuffer();
    let blank = true;
    for (let from = frame.top; from < frame.bottom; from += TILE) {
        const band = rows(work, from, Math.min(from + TILE, frame.bottom));
        blank &&= band.blank;
        await writer.write(band.bytes);
    }
    await writer.close();
    const data = new Uint8Array(await result);
    if (blank) return null;
    const head = new Uint8Array(13);
    const view = new DataView(head.buffer);
    view.setUint32(0, frame.right - frame.left);
    view.setUint32(4, frame.bottom - frame.top);
    head.set([8, grey ? GREY : RGBA], 8);
    const chunks = [chunk("IHDR", head), chunk("IDAT", data), chunk("IEND", new Uint8Array())];
    return new Blob([Uint8Array.from(SIGNATURE), ...chunks], { type: "image/png" });
}

/** @type {any} */ (self).onmessage = async (/** @type {MessageEvent<Work>} */ { data }) => {
    /** @type {any} */ (self).postMessage({ id: data.id, blob: await packed(data) });
};
