// @ts-check
// While width or height of img2img change, a frame over its picture shows what the new size takes in.
import { element } from "./dom.js";
import { values } from "./fields.js";

const SECONDS = 2;
let last = "";
let timer = 0;

/**
 * The frame of a size's ratio in the middle of a picture: inside it, or around it where the picture is to be filled up.
 * @param {{left: number, top: number, right: number, bottom: number}} box
 * @param {number} ratio width by height
 * @param {boolean} around
 */
export function framed(box, ratio, around) {
    const [width, height] = [box.right - box.left, box.bottom - box.top];
    const wide = width / height < ratio === around;
    const [across, down] = wide ? [height * ratio, height] : [width, width / ratio];
    return { left: box.left + (width - across) / 2, top: box.top + (height - down) / 2, width: across, height: down };
}

/** @param {any} canvas @param {Record<string, unknown>} form */
function show(canvas, form) {
    const drawing = canvas.drawing;
    const stage = canvas.stage;
    if (!drawing?.size || !stage || stage.offsetParent === null) return;
    const { left, top, width, height } = framed(canvas.view.onStage(drawing.frame), Number(form.width) / Number(form.height),
        form.resize === "Resize and fill");
    const frame = stage.querySelector(".ratio-frame") ?? element("div", { class: "ratio-frame", "aria-hidden": "true" });
    Object.assign(frame.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    stage.append(frame);
    clearTimeout(timer);
    timer = window.setTimeout(() => frame.remove(), SECONDS * 1000);
}

export function startRatioOverlay() {
    document.addEventListener("webui-fields", (event) => {
        const { tab } = /** @type {CustomEvent} */ (event).detail;
        if (tab !== "img2img") return;
        const form = values(tab);
        const size = `${form.width}x${form.height}`;
        const changed = last !== "" && last !== size;
        last = size;
        const canvas = /** @type {any} */ (window).webui?.canvas?.("img2img");
        if (changed && canvas) show(canvas, form);
    });
}
