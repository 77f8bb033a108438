// @ts-check
// The mask over a picture of a panel, drawn on a canvas like img2img's in a dialog of its own.
import { element } from "./dom.js";
import { ask } from "./jobs.js";
import { styled } from "./picture_camera.js";
import { pictureAddress } from "./pictures_kept.js";

/** @typedef {import("./pictures_kept.js").Given} Given */
/** @typedef {import("./pictures_kept.js").Kept} Kept */

const NAME = "panel-mask";

/** @param {Given} picture @returns {Promise<Blob | undefined>} */
async function bytes(picture) {
    const answer = picture ? await ask(pictureAddress(picture), { cache: "default" }) : undefined;
    return answer?.ok ? answer.blob() : undefined;
}

/**
 * Let a person draw a mask over a picture.
 * @param {Given} picture
 * @param {Given} [mask] what is drawn already
 * @returns {Promise<Kept | null | undefined>} null: nothing is marked; undefined: it was left as it was
 */
export async function drawMask(picture, mask) {
    styled();
    await import("./canvas.js");
    forget();
    const canvas = element("webui-canvas", { dataset: { name: NAME, mode: "inpaint" } });
    const dialog = element("dialog", { class: "webui mask-dialog", "aria-label": "Mask" },
        element("h2", {}, "Mask"),
        element("p", { class: "quiet" }, "Paint over what the mask is to mark."),
        canvas,
        element("div", { class: "toolbar" },
            element("span", { class: "grow" }),
            element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
            element("button", { type: "button", class: "primary", onclick: () => dialog.close("kept") }, "Use this mask")));
    dialog.addEventListener("cancel", (/** @type {Event} */ event) => canvas.leaveLarge() && event.preventDefault());
    for (const type of ["dragover", "drop"]) // the picture stays what it is
        canvas.addEventListener(type, (/** @type {Event} */ event) => event.stopImmediatePropagation(), true);
    document.body.append(dialog);
    dialog.showModal();
    const [drawn, marked] = await Promise.all([bytes(picture), bytes(mask)]);
    if (drawn && (await canvas.load(drawn)) && marked) await canvas.loadMask(marked);
    const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.open) await closed;
    const value = dialog.returnValue === "kept" ? await canvas.value() : undefined;
    dialog.remove();
    forget();
    if (!value || value.failed) return undefined;
    return value.mask ? { upload: value.mask } : null;
}

/** The dialog's canvas begins empty each time. */
function forget() {
    for (const storage of [sessionStorage, localStorage]) storage.removeItem(`webui-canvas-${NAME}`);
}
