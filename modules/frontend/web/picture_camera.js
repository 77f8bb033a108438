// @ts-check
// A photograph taken with the machine's camera, in a dialog that shows what it sees.
import { element } from "./dom.js";
import { say } from "./notices.js";
import { style } from "./parts.js";

let asked = false;

/** Fetch the look of the dialogs about pictures, once. */
export function styled() {
    if (!asked) style("picture_dialogs");
    asked = true;
}

/** @returns {Promise<Blob | null>} null if none was taken */
export async function takePhotograph() {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true }).catch(() => null);
    if (!stream) {
        say("There is no camera that may be used.", "The browser asks for permission once; its settings say what was answered.");
        return null;
    }
    styled();
    const video = element("video", { autoplay: true, muted: true, playsInline: true, srcObject: stream });
    const dialog = element("dialog", { class: "webui camera-dialog", "aria-label": "Camera" }, video,
        element("div", { class: "toolbar" },
            element("span", { class: "grow" }),
            element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
            element("button", { type: "button", class: "primary", onclick: () => dialog.close("taken") }, "Take it")));
    document.body.append(dialog);
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    const photograph = dialog.returnValue === "taken" ? await frameOf(video) : null;
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
    return photograph;
}

/** @param {HTMLVideoElement} video @returns {Promise<Blob | null>} */
async function frameOf(video) {
    const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
    if (!canvas.width) return null;
    canvas.getContext("2d").drawImage(video, 0, 0);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
