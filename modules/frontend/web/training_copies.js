// @ts-check
// Samples that are nearly a picture that was trained on: a mark on each, and both pictures side by side.
import { element, tool } from "./dom.js";
import { original, sample } from "./training_data.js";
import { own } from "./training_table.js";

/** @typedef {import("./training_data.js").Sample} Sample */
/** @typedef {{picture: string, levels: number, allowed: number, bits: number}} Copy of 255 levels on average, of 64 bits */

/** A mark on a sample; nothing for one that is no copy. @param {string} id of the training @param {Sample | undefined} found @param {string} step in words */
export function copyMark(id, found, step) {
    if (!found?.copy) return undefined;
    return element("button", { type: "button", class: "training-copied", title: "Nearly a picture that was trained on",
        "aria-label": `${step}: nearly a picture that was trained on`, onclick: () => show(id, found, step) }, "≈");
}

/** Both pictures side by side. @param {string} id @param {Sample} found @param {string} step */
function show(id, found, step) {
    const { picture, levels, allowed, bits } = /** @type {Copy} */ (found.copy);
    const name = picture.replace(/^\d+\//, "");
    const figure = (/** @type {string} */ src, /** @type {any} */ ...words) => element("figure", {},
        element("img", { src, alt: "" }), element("figcaption", {}, ...words));
    const dialog = element("dialog", { class: "webui training-dialog training-copy-dialog", "aria-label": "Nearly a picture that was trained on",
        onclose: () => dialog.remove() },
        element("div", { class: "toolbar" }, element("h2", { class: "grow" }, "Nearly a picture that was trained on"),
            tool("training-close", "Close (Esc)", () => dialog.close())),
        element("div", { class: "training-pair" },
            figure(sample(id, found.file), element("span", {}, step), element("br"), own(found.text)),
            figure(original(id, found.file), element("span", {}, "Trained on, as it was shown"), element("br"), own(name))),
        element("p", {}, `They differ by ${levels} of 255 levels on average, and in ${bits} of 64 places.`),
        element("p", { class: "quiet" },
            `Up to ${allowed} levels count as a copy here: no more than eight, and no more than half way to another of your pictures.`),
        element("p", { class: "quiet" },
            "The prompt is not that picture's caption. More pictures, fewer steps or a lower rank make it learn less by heart."));
    document.body.append(dialog);
    dialog.showModal();
}
