// @ts-check
// The drawing's way to the program: only what changed since it was last sent; a moment after each change, so that a reload loses
// nothing. What is kept in the browser are the names of the uploads.
import { afterwards } from "./dom.js";
import { ask } from "./jobs.js";
import { say } from "./notices.js";
import { call } from "./server.js";
import { pictureOf, pixelsOfLayer } from "./canvas_picture.js";
import { placeOf } from "./canvas_tiles.js";

/** @typedef {import("./canvas.js").Canvas} Canvas */
/** @typedef {import("./canvas_drawing.js").LayerName} LayerName */

const QUIET = 800; // milliseconds without a change before the drawing is sent

/** Packs layers in a worker, which lives as long as the page. */
class Packer {
    constructor() {
        this.worker = new Worker(new URL("./canvas_png.js", import.meta.url), { type: "module" });
        /** @type {Map<number, (blob: Blob | null) => void>} */
        this.waiting = new Map();
        this.last = 0;
        this.worker.onmessage = ({ data }) => {
            this.waiting.get(data.id)?.(data.blob);
            this.waiting.delete(data.id);
        };
    }

    /**
     * @param {Map<number, import("./canvas_tiles.js").Tile>} tiles
     * @param {import("./canvas_tiles.js").Box} frame
     * @param {boolean} grey
     * @returns {Promise<Blob | null>} null for a layer with nothing on it
     */
    pack(tiles, frame, grey) {
        const id = ++this.last;
        const places = [...tiles].map(([key, { pixels }]) => ({ left: placeOf(key)[0], top: placeOf(key)[1], pixels }));
        this.worker.postMessage({ id, grey, frame, tiles: places });
        return new Promise((resolve) => this.waiting.set(id, resolve));
    }
}

export class Uploads {
    /** @param {Canvas} canvas */
    constructor(canvas) {
        this.canvas = canvas;
        /** @type {Packer | undefined} */
        this.packer = undefined;
        /**
         * What a layer's content, under a frame, was sent as; null: there was nothing on it.
         * @type {Map<string, Promise<string | null | undefined>>}
         */
        this.sent = new Map();
        this.soon = afterwards(() => this.keep(), QUIET);
        this.key = `webui-canvas-${canvas.dataset.name}`;
        this.restored = false;
        document.addEventListener("visibilitychange", () => document.hidden && canvas.isConnected && this.keep());
    }

    /** @param {Blob} blob @returns {Promise<string | undefined>} its id */
    async send(blob) {
        return (await call("webui/uploads", { body: blob }))?.id;
    }

    /** The picture's id. @returns {Promise<string | undefined>} */
    async picture() {
        const { picture } = this.canvas.drawing;
        if (!picture) return undefined;
        picture.sending ??= picture.id ? Promise.resolve(picture.id) : this.send(picture.blob);
        const id = await picture.sending;
        if (id) picture.id = id;
        else picture.sending = undefined;
        return id;
    }

    /**
     * A layer's id.
     * @param {LayerName} name
     * @returns {Promise<string | null | undefined>} null: nothing is on it; undefined: it could not be sent
     */
    async layer(name) {
        const { drawing } = this.canvas;
        if (!drawing.versions[name]) return null;
        const key = this.keyOf(name);
        const sent = this.sent.get(key) ?? this.pack(name).then((blob) => (blob ? this.send(blob) : null));
        this.sent.set(key, sent);
        const id = await sent.catch(() => undefined);
        if (id === undefined) this.sent.delete(key);
        return id;
    }

    /** What stands for a layer as it is now, under the frame as it is now. @param {LayerName} name */
    keyOf(name) {
        const { versions, frame } = this.canvas.drawing;
        return `${name} ${versions[name]} ${frame.left} ${frame.top} ${frame.right} ${frame.bottom}`;
    }

    /** A layer as a PNG file, without a stroke that is being drawn. @param {LayerName} name @returns {Promise<Blob | null>} */
    pack(name) {
        this.packer ??= new Packer();
        const { drawing, pointer } = this.canvas;
        return this.packer.pack(pointer.before?.[name] ?? drawing.layers[name].tiles, drawing.frame, name === "mask");
    }

    /**
     * All that a request needs, sent. `failed` says that something could not be; the page has said why.
     * @param {LayerName[]} layers
     */
    async value(layers) {
        const { drawing } = this.canvas;
        const size = drawing.size ?? { width: 0, height: 0 }, margin = [...drawing.margin];
        const wanted = (/** @type {LayerName} */ name) => (layers.includes(name) && drawing.picture ? this.layer(name) : null);
        const [picture, paint, mask] = await Promise.all([this.picture(), wanted("paint"), wanted("mask")]);
        const failed = (Boolean(drawing.picture) && !picture) || paint === undefined || mask === undefined;
        return { picture: picture ?? null, paint: paint ?? null, mask: mask ?? null, ...size, margin, failed };
    }

    /** Send what changed, and remember its names for this tab, and for the next one that opens. */
    async keep() {
        if (!this.restored || this.canvas.pointer.doing === "stroke") return this.restored ? this.soon() : undefined;
        const { drawing } = this.canvas, name = drawing.picture?.name;
        const value = drawing.picture ? await this.value(["paint", "mask"]) : null;
        if (value?.failed) return undefined;
        const text = JSON.stringify({ ...value, name });
        for (const storage of [sessionStorage, localStorage]) {
            if (value) storage.setItem(this.key, text);
            else storage.removeItem(this.key);
        }
        return undefined;
    }

    /** Bring back what was on the canvas before the page was loaded. */
    async restore() {
        const own = sessionStorage.getItem(this.key), kept = own ?? localStorage.getItem(this.key);
        if (kept) await this.fetch(JSON.parse(kept), own !== null).catch(() => undefined);
        this.restored = true;
    }

    /** @param {any} kept @param {boolean} own whether it was this tab's: then a loss is said */
    async fetch({ picture: id, paint, mask, margin, name }, own) {
        const { drawing } = this.canvas;
        const gone = () => own && say("The picture that was on the canvas is not kept any more.", "Load it again.");
        const blob = await this.bytes(id);
        const picture = blob && (await pictureOf(blob, name));
        if (!picture) return gone();
        const pixels = { paint: await this.pixels(paint), mask: await this.pixels(mask) };
        if (drawing.picture) return undefined; // another one was loaded meanwhile
        picture.id = id;
        drawing.picture = picture;
        drawing.margin = margin;
        for (const [each, layerId] of /** @type {[LayerName, string | null][]} */ ([["paint", paint], ["mask", mask]])) {
            const { width, height } = /** @type {{width: number, height: number}} */ (drawing.size);
            let found = pixels[each];
            if (!layerId || found?.length !== width * height) continue;
            if (each === "mask") found = found.map((pixel) => (pixel & 255 ? ((pixel << 24) | 0xffffff) >>> 0 : 0));
            drawing.layers[each].put(drawing.frame, found);
            drawing.versions[each] = ++drawing.newest;
            this.sent.set(this.keyOf(each), Promise.resolve(layerId));
        }
        drawing.dispatchEvent(new CustomEvent("drawn", { detail: null }));
        drawing.dispatchEvent(new Event("changed"));
        return undefined;
    }

    /** @param {string | null} id @returns {Promise<Blob | undefined>} */
    async bytes(id) {
        const answer = id ? await ask(`webui/uploads/${id}`, { cache: "default" }) : undefined;
        return answer?.ok ? answer.blob() : undefined;
    }

    /** @param {string | null} id */
    async pixels(id) {
        const blob = await this.bytes(id);
        return blob && pixelsOfLayer(blob);
    }
}
