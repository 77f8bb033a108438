// @ts-check
// Pictures from files: opened as they are, weighed, and brought down where they are too large.
import { element } from "./dom.js";
import { say } from "./notices.js";
import { surface } from "./canvas_tiles.js";

export const LONGEST = 4096; // pixels of a side
const HEAVIEST = 64 * 2 ** 20;
/** What the program opens; all else that a browser can show is sent as PNG. */
const SENT_AS_IT_IS = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"];

/** A picture on the canvas. */
export class Picture {
    /** @param {Blob} blob the file as it was given @param {ImageBitmap | HTMLCanvasElement} shown @param {string} name of the file */
    constructor(blob, shown, name) {
        this.blob = blob;
        this.name = name;
        this.width = shown.width;
        this.height = shown.height;
        /** The picture at full, half, a quarter of its size, and so on: what is shown small is drawn from a small one. */
        this.levels = [shown];
        /** The id of its upload, once it has one. @type {string | null} */
        this.id = null;
        /** The upload while it is under way. @type {Promise<string | undefined> | undefined} */
        this.sending = undefined;
    }

    /**
     * The smallest version that is not smaller than it is to be shown.
     * @param {number} scale
     * @returns {{source: CanvasImageSource, factor: number}}
     */
    level(scale) {
        const wanted = Math.min(Math.max(Math.floor(Math.log2(1 / scale)), 0), 6);
        while (this.levels.length <= wanted) {
            const last = /** @type {HTMLCanvasElement} */ (this.levels.at(-1));
            const half = surface(Math.max(1, last.width >> 1), Math.max(1, last.height >> 1));
            half.getContext("2d")?.drawImage(last, 0, 0, half.width, half.height);
            this.levels.push(half);
        }
        return { source: this.levels[wanted], factor: this.levels[wanted].width / this.width };
    }

    /** @returns {Uint32Array} all its pixels */
    pixels() {
        const whole = surface(this.width, this.height);
        const context = /** @type {CanvasRenderingContext2D} */ (whole.getContext("2d", { willReadFrequently: true }));
        context.drawImage(this.levels[0], 0, 0);
        return new Uint32Array(context.getImageData(0, 0, this.width, this.height).data.buffer);
    }
}

/** @param {Blob} blob @returns {Promise<ImageBitmap | undefined>} upright, with the colours that the file says */
async function opened(blob) {
    return createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none" }).catch(() => undefined);
}

/**
 * A file as a picture. What cannot be is said; a picture that is too large is brought down if the person wants that.
 * @param {Blob} blob
 * @param {string} [name]
 * @returns {Promise<Picture | undefined>}
 */
export async function pictureOf(blob, name = "picture.png") {
    const shown = await opened(blob);
    if (!shown) {
        say(`'${name}' is not a picture that can be opened.`, "PNG, JPEG, WEBP, GIF and AVIF can.");
        return undefined;
    }
    if (Math.max(shown.width, shown.height) > LONGEST) return smaller(shown, name);
    if (!SENT_AS_IT_IS.includes(blob.type)) blob = await encoded(shown);
    if (blob.size > HEAVIEST) {
        say(`'${name}' has ${Math.round(blob.size / 2 ** 20)} MB; at most 64 MB can be used.`, "Save it as JPEG or WEBP.");
        return undefined;
    }
    return new Picture(blob, shown, name);
}

/** @param {ImageBitmap | HTMLCanvasElement} shown @returns {Promise<Blob>} as PNG */
async function encoded(shown) {
    const whole = surface(shown.width, shown.height);
    whole.getContext("2d")?.drawImage(shown, 0, 0);
    return new Promise((resolve) => whole.toBlob((blob) => resolve(/** @type {Blob} */ (blob)), "image/png"));
}

/**
 * Ask whether a picture shall be brought down, and do so.
 * @param {ImageBitmap} shown
 * @param {string} name
 * @returns {Promise<Picture | undefined>}
 */
async function smaller(shown, name) {
    const share = LONGEST / Math.max(shown.width, shown.height);
    const width = Math.max(1, Math.round(shown.width * share)), height = Math.max(1, Math.round(shown.height * share));
    const wanted = await asked(
        `This picture has ${shown.width} × ${shown.height} pixels; at most ${LONGEST} a side fit on the canvas.`,
        `Scale it down to ${width} × ${height}`);
    if (!wanted) return undefined;
    const whole = surface(width, height);
    const context = /** @type {CanvasRenderingContext2D} */ (whole.getContext("2d"));
    context.imageSmoothingQuality = "high";
    context.drawImage(shown, 0, 0, width, height);
    return new Picture(await encoded(whole), whole, name.replace(/\.[^.]*$/, "") + ".png");
}

/** @param {string} question @param {string} yes @returns {Promise<boolean>} */
function asked(question, yes) {
    return new Promise((resolve) => {
        const dialog = element("dialog", { class: "webui canvas-question", "aria-label": "The picture is too large" },
            element("p", {}, question),
            element("div", { class: "toolbar" },
                element("button", { type: "button", class: "primary", onclick: () => dialog.close("yes") }, yes),
                element("button", { type: "button", onclick: () => dialog.close() }, "Cancel")));
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "yes");
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

/**
 * A file as the pixels of a mask, white with the mask's value as alpha. A picture that is transparent somewhere masks where it is
 * not; another masks where it is bright.
 * @param {Blob} blob
 * @param {number} width
 * @param {number} height
 * @returns {Promise<{pixels: Uint32Array, from: {width: number, height: number}} | undefined>}
 */
export async function maskOf(blob, width, height) {
    const shown = await opened(blob);
    if (!shown) {
        say("The mask is not a picture that can be opened.", "PNG, JPEG, WEBP, GIF and AVIF can.");
        return undefined;
    }
    const pixels = pixelsOf(shown, width, height);
    const clear = pixels.some((pixel) => pixel >>> 24 < 255);
    for (let at = 0; at < pixels.length; at++) {
        const pixel = pixels[at];
        const value = clear ? (pixel >>> 24 > 128 ? 255 : 0) : brightness(pixel);
        pixels[at] = value ? ((value << 24) | 0xffffff) >>> 0 : 0;
    }
    return { pixels, from: { width: shown.width, height: shown.height } };
}

/** As Pillow turns colours into grey (ITU-R 601-2). @param {number} pixel */
const brightness = (pixel) => ((pixel & 255) * 19595 + ((pixel >>> 8) & 255) * 38470 + ((pixel >>> 16) & 255) * 7471 + 0x8000) >>> 16;

/** @param {ImageBitmap} shown @param {number} width @param {number} height stretched to @returns {Uint32Array} */
export function pixelsOf(shown, width, height) {
    const whole = surface(width, height);
    const context = /** @type {CanvasRenderingContext2D} */ (whole.getContext("2d", { willReadFrequently: true }));
    context.drawImage(shown, 0, 0, width, height);
    return new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
}

/** @param {Blob} blob @returns {Promise<Uint32Array | undefined>} the pixels of a layer that was uploaded */
export async function pixelsOfLayer(blob) {
    const shown = await createImageBitmap(blob, { colorSpaceConversion: "none" }).catch(() => undefined);
    return shown && pixelsOf(shown, shown.width, shown.height);
}
