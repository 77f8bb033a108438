// @ts-check
// What the parts of the page ask of each other: show a tab, send a picture somewhere, put words into a prompt, read an infotext.
import { say } from "./notices.js";
import { box, readDropped, replace } from "./prompt.js";

/** @typedef {"txt2img" | "img2img"} FormTab */
/** @typedef {"img2img" | "inpaint" | "extras" | "pnginfo"} Target */

/** What each target does with a picture; the parts register themselves. @type {Map<string, (picture: Blob, name: string) => unknown>} */
const takers = new Map();

/** Say what a target does with a picture that is sent to it. @param {Target} target @param {(picture: Blob, name: string) => unknown} take */
export const takes = (target, take) => takers.set(target, take);

/** Show one of the tabs on top. @param {string} id such as "img2img" or "history" */
export function showTab(id) {
    document.getElementById(`tab_${id}-button`)?.click();
}

/** @returns {FormTab} the form that is, or was last, in front */
export const formTab = () => (document.body.dataset.form === "img2img" ? "img2img" : "txt2img");

/**
 * Show a target's tab with a picture in it.
 * @param {string | Blob} picture its address or its bytes, metadata and all
 * @param {Target} target
 * @param {string} [name] of its file
 */
export async function sendPicture(picture, target, name = "picture.png") {
    const blob = typeof picture === "string" ? await fetch(picture).then((answer) => (answer.ok ? answer.blob() : undefined)) : picture;
    if (!blob) return say("The picture is not there any more.");
    showTab(target);
    const end = performance.now() + 5000; // a tab is built when it is first shown
    while (!takers.has(target) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 30));
    await takers.get(target)?.(blob, name);
}

/** Put an infotext into the fields of a form, and show it. @param {string} infotext @param {FormTab} [tab] */
export function sendInfotext(infotext, tab = formTab()) {
    showTab(tab);
    readDropped(infotext, tab);
}

/**
 * Put words such as `<lora:name:1>` at the end of a prompt; words that are there already are taken out.
 * @param {string} words
 * @param {{negative?: boolean, tab?: FormTab, same?: (text: string) => [number, number] | undefined}} [how] `same` finds what counts
 *     as being there already: its start and end
 * @returns {boolean} whether they are in the prompt now
 */
export function toggleWords(words, { negative = false, tab = formTab(), same } = {}) {
    const field = box(`${tab}_${negative ? "neg_prompt" : "prompt"}`);
    if (!field) return false;
    const place = same ? same(field.value) : at(field.value, words);
    if (place) {
        const [start, end] = place;
        const before = field.value.slice(0, start).replace(/[,\s]+$/, "");
        replace(field, before.length, end, "");
        return false;
    }
    const separator = field.value && !/[,\s]$/.test(field.value) ? (words.startsWith("<") ? " " : ", ") : "";
    replace(field, field.value.length, field.value.length, separator + words);
    return true;
}

/** @param {string} text @param {string} words @returns {[number, number] | undefined} */
function at(text, words) {
    const start = text.indexOf(words);
    return start < 0 ? undefined : [start, start + words.length];
}
