// @ts-check
// Files on their way to and from the canvas: chosen, dropped, pasted; masks too, which can also be saved.
import { element } from "./dom.js";
import { say } from "./notices.js";
import { inText } from "./canvas_keys.js";

/** @typedef {import("./canvas.js").Canvas} Canvas */

const KINDS = "image/png,image/jpeg,image/webp,image/gif,image/avif,image/bmp";

/** @param {(file: File) => unknown} take */
function choose(take) {
    const input = element("input", { type: "file", accept: KINDS, onchange: () => input.files?.[0] && take(input.files[0]) });
    input.click();
}

/** @param {Canvas} canvas */
export const choosePicture = (canvas) => choose((file) => canvas.load(file, { name: file.name }));
/** @param {Canvas} canvas */
export const chooseMask = (canvas) => choose((file) => canvas.loadMask(file));

/** Save the mask as a file. @param {Canvas} canvas */
export async function keepMask(canvas) {
    const blob = await canvas.uploads.pack("mask");
    if (!blob) return say("There is no mask to save yet.", "Paint one first.");
    const name = (canvas.drawing.picture?.name ?? "picture").replace(/\.[^.]*$/, "");
    const link = element("a", { href: URL.createObjectURL(blob), download: `${name}-mask.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    return undefined;
}

/** Whether something that is dragged could be a picture. @param {DragEvent} event */
const fits = (event) => event.dataTransfer?.types.some((type) => type === "Files" || type === "text/uri-list") ?? false;

/** @param {Canvas} canvas @returns {() => void} takes the listeners away */
export function listenToFiles(canvas) {
    canvas.addEventListener("dragover", (event) => {
        if (!fits(event)) return;
        event.preventDefault();
        canvas.classList.add("dropped-on");
    });
    canvas.addEventListener("dragleave", (event) => {
        if (!canvas.contains(/** @type {Node | null} */ (event.relatedTarget))) canvas.classList.remove("dropped-on");
    });
    canvas.addEventListener("drop", (event) => {
        canvas.classList.remove("dropped-on");
        if (!fits(event)) return;
        event.preventDefault();
        event.stopPropagation();
        dropped(canvas, /** @type {DataTransfer} */ (event.dataTransfer));
    });
    const pasted = (/** @type {ClipboardEvent} */ event) => {
        const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
        if (!file || event.defaultPrevented || inText(event) || !canvas.shown()) return;
        event.preventDefault();
        canvas.load(file, { name: file.name });
    };
    document.addEventListener("paste", pasted);
    return () => document.removeEventListener("paste", pasted);
}

/** @param {Canvas} canvas @param {DataTransfer} data */
function dropped(canvas, data) {
    if (data.files[0]) return canvas.load(data.files[0], { name: data.files[0].name });
    const address = data.getData("text/uri-list").split(/[\r\n]+/).find((line) => line && !line.startsWith("#"));
    if (!address) return undefined;
    const ours = /^(blob|data):/.test(address) || new URL(address, location.href).origin === location.origin;
    if (ours) return canvas.load(address);
    return say("A picture of another site cannot be taken from there.", "Save it first, then drop the file.");
}
