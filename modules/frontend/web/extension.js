// @ts-check
// What the modules of extensions may rely on: `import { element, call, say } from "easel/extension.js"`. Other files of this folder
// may change from one version to the next; what this one offers only grows.
import { formTab, sendInfotext, sendPicture, showTab, toggleWords } from "./actions.js";
import { afterwards, element, tool } from "./dom.js";
import { put as putValues, values as formValues } from "./fields.js";
import { all, changes as jobs, find, over } from "./jobs.js";
import { say } from "./notices.js";
import { OptionsForm } from "./options.js";
import { owner } from "./owner.js";
import { setting } from "./page_settings.js";
import { drawMask } from "./picture_mask.js";
import { keepPicture, pictureAddress, pictureReference } from "./pictures_kept.js";
import { box, replace as replaceText } from "./prompt.js";
import { nameOf, picture } from "./results.js";
import { call } from "./server.js";
import { changes as settingsChanges, settings } from "./settings_values.js";
import "./found.js";
import "./picture_field.js";

export {
    OptionsForm, afterwards, call, drawMask, element, formTab, formValues, keepPicture, owner, pictureAddress, pictureReference,
    putValues, replaceText, say, sendInfotext, sendPicture, setting, settings, showTab, toggleWords, tool,
};

/** @typedef {"txt2img" | "img2img"} FormTab */
/** @typedef {import("./pictures_kept.js").Kept} Kept */
/** @typedef {FormTab | {tab?: FormTab, negative?: boolean}} Which a prompt: a form's, or its negative one */
/** @typedef {import("./jobs.js").Job} Job */

const QUIET = 350; // ms without a key before a panel asks the program
const PROMPTS = ".prompt textarea, [id$=_edit_style_prompt], [id$=_edit_style_neg_prompt]";

/** The tags whose newer definition waits for a reload. @type {Set<string>} */
const waiting = new Set();

/** Define a custom element. One that is defined already stays until the page is loaded again, which is said. @param {string} tag @param {CustomElementConstructor} kind */
export function define(tag, kind) {
    if (!customElements.get(tag)) return customElements.define(tag, kind);
    if (!waiting.has(tag)) say("An extension has changed its part of the page.", "Load the page again to see it.");
    waiting.add(tag);
    return undefined;
}

// Prompts

/** The box of a prompt; null while its tab was not opened yet. @param {Which} [which] */
export function promptBox(which = formTab()) {
    const { tab = formTab(), negative = false } = typeof which === "string" ? { tab: which } : which;
    return box(`${tab}_${negative ? "neg_prompt" : "prompt"}`);
}

/** Whether something is the box of a prompt: of a form, of its second pass, of a style. @param {EventTarget | null} thing @returns {thing is HTMLTextAreaElement} */
export const isPrompt = (thing) => thing instanceof HTMLTextAreaElement && thing.matches(PROMPTS);

/** @param {string} type @param {(box: HTMLTextAreaElement, event: any) => unknown} act @returns {() => void} ends it */
function onPrompt(type, act) {
    const heard = (/** @type {Event} */ event) => void (isPrompt(event.target) && act(event.target, event));
    document.addEventListener(type, heard);
    return () => document.removeEventListener(type, heard);
}

/** Hear of each prompt's box that gets the focus. @param {(box: HTMLTextAreaElement, event: FocusEvent) => unknown} act */
export const onPromptFocus = (act) => onPrompt("focusin", act);

/** Hear of what is typed into a prompt, or put there. @param {(box: HTMLTextAreaElement, event: InputEvent) => unknown} act */
export const onPromptInput = (act) => onPrompt("input", act);

/** Put a text at the caret, in place of what is selected. @param {HTMLTextAreaElement} field @param {string} text */
export const insertText = (field, text) => replaceText(field, field.selectionStart ?? 0, field.selectionEnd ?? 0, text);

/** Put a text in place of a whole prompt; the browser's undo brings it back. @param {Which} which @param {string} text */
export function setPrompt(which, text) {
    const field = promptBox(which);
    if (field && field.value !== text) replaceText(field, 0, field.value.length, text);
}

// Panels

/** @param {FormTab} tab @returns {any} */
const scriptsOf = (tab) => document.querySelector(`webui-script[data-tab="${tab}"]`);

/** A panel that follows the prompt: `refresh` is called when nobody has typed for a moment, and when the panel comes into sight.
 * A class of its own has `build(values)`, which makes `this.form`, and `refresh()`; `filled()` if it minds new values. */
export class PromptPanel extends HTMLElement {
    /** @type {any} */
    form = undefined;

    connectedCallback() {
        this.soon ??= afterwards(() => this.refresh(), QUIET);
        this.stop ??= onPromptInput(() => this.soon?.());
        this.seen ??= new IntersectionObserver(() => this.soon?.()); // opened: the prompt may have changed meanwhile
        this.seen.observe(this);
    }

    disconnectedCallback() {
        this.stop?.();
        this.stop = undefined;
        this.seen?.disconnect();
    }

    /** What is sent. @returns {any} */
    get value() {
        return this.form?.values ?? {};
    }

    /** @param {any} values */
    set value(values) {
        if (this.form) this.form.values = values;
        else this.build(values);
        this.filled();
        this.soon?.();
    }

    /** @param {any} _values */
    build(_values) {}

    filled() {}

    refresh() {}
}

/** What the panels of a form that are on hold, by extension. @param {FormTab} [tab] @returns {Record<string, any>} */
export const extensionValues = (tab = formTab()) => scriptsOf(tab)?.value() ?? {};

/** Switch panels of a form on, with these options; all else stays. @param {FormTab} tab @param {Record<string, any>} options by extension */
export const putExtensions = (tab, options) => scriptsOf(tab)?.add(options);

/** The models or names of a kind: "checkpoint", "vae", "lora", "controlnet", "sampler", "upscaler" ... @param {string} kind @returns {Promise<string[]>} */
export async function choicesOf(kind) {
    const answer = await call("webui/scripts?tab=txt2img");
    return answer?.lists[kind] ?? [];
}

// Pictures

/** What stands on the canvas of img2img; null if nothing does. @returns {Promise<{picture: Kept, mask: Kept | null} | null>} */
export async function sourcePicture() {
    const held = await /** @type {any} */ (window).webui.canvas?.("img2img")?.value();
    return held?.picture ? { picture: { upload: held.picture }, mask: held.mask ? { upload: held.mask } : null } : null;
}

/** The picture that is selected in a form's results, metadata and all. @param {FormTab} [tab] @returns {Promise<File | undefined>} */
export async function shownPicture(tab = formTab()) {
    const shown = picture(tab);
    const answer = shown && (await fetch(shown.src).catch(() => undefined));
    if (!shown || !answer?.ok) return undefined;
    const blob = await answer.blob();
    return new File([blob], nameOf(shown), { type: blob.type });
}

// Places on the page

const PATIENCE = 10_000; // ms for a tab to be built

/** Wait for an element. @param {() => any} find @returns {Promise<any>} undefined if it does not come */
async function arrived(find) {
    const end = performance.now() + PATIENCE;
    while (!find() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
    return find() ?? undefined;
}

/** Show an extension's page in Tools. @param {string} name of the extension @returns {Promise<any>} the page's element; undefined if it does not come */
export async function showTool(name) {
    showTab("tools");
    const page = () => document.querySelector(`#tool_${name} > *`);
    const tools = await arrived(() => document.querySelector("webui-tools"));
    await arrived(() => tools?.querySelector(`#tool_${name}_tab`));
    tools?.show?.(name);
    return arrived(page);
}

/** Put a button into the row below the pictures of txt2img and of img2img, as soon as each is there. `icon` is one of icons.css, or of
 * your own style sheet: `.icon-<icon> { --icon: url(...); }`; `act` hears whose pictures are meant. A page that was loaded keeps it.
 * @param {string} icon @param {string} name @param {(tab: FormTab) => unknown} act @param {string} id the row's buttons are `${tab}_${id}` */
export function galleryTool(icon, name, act, id) {
    /** @type {FormTab[]} */
    const missing = ["txt2img", "img2img"];
    const add = () => {
        for (const tab of [...missing]) {
            const row = document.getElementById(`image_buttons_${tab}`);
            if (!row) continue;
            missing.splice(missing.indexOf(tab), 1);
            document.getElementById(`${tab}_${id}`)?.remove();
            row.append(tool(icon, name, () => act(tab), { id: `${tab}_${id}` }));
        }
        if (!missing.length) observer.disconnect();
    };
    const observer = new MutationObserver(add);
    observer.observe(document.body, { childList: true, subtree: true });
    add();
}

// Jobs and settings

/** Hear of each job of this page that has ended. @param {(job: Job) => unknown} act @returns {() => void} ends it */
export function onAfterGeneration(act) {
    const heard = (/** @type {any} */ event) => void act(event.detail);
    jobs.addEventListener("ended", heard);
    return () => jobs.removeEventListener("ended", heard);
}

/** A job once it is over, whoever began it. @param {string} id @returns {Promise<Job>} */
export function jobEnded(id) {
    return new Promise((resolve) => {
        const look = () => {
            const job = find(id) ?? all().find((one) => one.id === id);
            if (!job || !over(job)) return;
            jobs.removeEventListener("change", look);
            resolve(job);
        };
        jobs.addEventListener("change", look);
        look();
    });
}

/** Hear of settings that were applied. @param {(keys: string[]) => unknown} act @returns {() => void} ends it */
export function onSettings(act) {
    const heard = (/** @type {any} */ event) => void act(event.detail);
    settingsChanges.addEventListener("change", heard);
    return () => settingsChanges.removeEventListener("change", heard);
}
