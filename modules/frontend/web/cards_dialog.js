// @ts-check
// The dialog of a card: its picture, what a person writes on it, its training tags. Unsaved text is never lost without asking.
import { cardOf, load, pictureOf } from "./cards_store.js";
import { showMetadata } from "./cards_metadata.js";
import { trainingTags } from "./cards_tags.js";
import { element, tool } from "./dom.js";
import { say } from "./notices.js";
import { call } from "./server.js";

/** @typedef {import("./cards_store.js").Card} Card */
/** @typedef {import("./cards_store.js").Kind} Kind */
/** @typedef {"txt2img" | "img2img"} Tab */
/**
 * What the program tells of one model.
 * @typedef {{key: string, name: string, path: string, notes: Record<string, any>, tags: [string, number][],
 *     metadata: Record<string, string>, vaes: string[]}} Details
 */

const VERSIONS = ["", "SD1", "SD2", "SDXL", "Unknown"];
const VAES = ["Automatic", "None"];

/**
 * Texts that were written and not saved when a dialog was closed in another way than by its own buttons.
 * @type {Map<string, Record<string, any>>}
 */
const drafts = new Map();

/** Open the dialog of a card. @param {Kind} kind @param {Card} card @param {Tab} tab */
export async function editCard(kind, card, tab) {
    const from = /** @type {HTMLElement | null} */ (document.activeElement);
    const dialog = new CardDialog(kind, card, tab);
    dialog.open();
    /** @type {Details | undefined} */
    const details = await call(`webui/cards/${kind}/details?name=${encodeURIComponent(card.key)}`);
    if (details) dialog.fill(details);
    else dialog.dialog.close();
    dialog.dialog.addEventListener("close", () => !("aside" in dialog.dialog.dataset) && from?.focus({ preventScroll: true }));
}

/** Copy a text; where the browser keeps its clipboard to safe addresses, the old way. @param {string} text @param {Element} [host] */
export async function copyText(text, host = document.body) {
    if (navigator.clipboard && await navigator.clipboard.writeText(text).then(() => true, () => false)) return;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const field = element("textarea", { value: text, "aria-hidden": "true", style: { position: "fixed", opacity: "0" } });
    host.append(field);
    field.select();
    if (!document.execCommand("copy")) say("The browser does not let texts be copied here.", text);
    field.remove();
    focused?.focus({ preventScroll: true });
}

class CardDialog {
    /** @param {Kind} kind @param {Card} card @param {Tab} tab */
    constructor(kind, card, tab) {
        this.kind = kind;
        this.card = card;
        this.tab = tab;
        /** The fields by their key in the notes. @type {Map<string, HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>} */
        this.fields = new Map();
        this.saved = "";
        this.pressed = (/** @type {KeyboardEvent} */ event) => this.key(event);
        this.content = element("div", { "aria-busy": "true" }, element("p", { class: "quiet" }, "Reading…"));
        this.dialog = element("dialog", {
            class: "webui card-dialog", "aria-label": "Notes on a model", onclose: () => this.closed(),
            oncancel: (/** @type {Event} */ event) => this.cancelled(event),
        }, this.heading(), this.content);
    }

    heading() {
        const { card, dialog } = this;
        return element("header", { class: "toolbar" },
            element("h2", { class: "grow", translate: false, title: card.key }, card.name),
            tool("card-copy", "Copy the name", () => copyText(card.tag ?? card.name, this.dialog)),
            tool("card-path", "Copy the path of the file", () => this.details && copyText(this.details.path, this.dialog)),
            tool("card-info", "What the file says of itself", () => this.details && showMetadata(this.details, this.card)),
            tool("card-close", "Close", () => this.leave()));
    }

    open() {
        document.body.append(this.dialog);
        this.dialog.showModal();
        window.addEventListener("keydown", this.pressed, true); // before the page takes Esc for "interrupt"
    }

    /** @param {Details} details */
    fill(details) {
        this.details = details;
        const notes = { ...details.notes, ...drafts.get(this.draft) };
        const form = element("div", { class: "card-fields" }, ...this.made(details, notes));
        this.asking = element("div", { class: "card-asking toolbar", role: "alert", hidden: true },
            element("span", { class: "grow" }, "There is unsaved text."),
            element("button", { type: "button", class: "primary", onclick: () => this.save() }, "Save"),
            element("button", { type: "button", onclick: () => this.discard() }, "Throw it away"),
            element("button", { type: "button", onclick: () => this.ask(false) }, "Go on writing"));
        this.button = element("button", { type: "button", class: "primary", onclick: () => this.save() }, "Save");
        const more = this.kind === "lora" && details.tags.length > 0;
        this.content.replaceChildren(
            element("div", { class: "card-columns" }, this.picture(), form),
            ...(more ? [trainingTags(details.tags, this.tab)] : []),
            element("footer", { class: "toolbar" }, this.asking, this.button,
                element("button", { type: "button", onclick: () => this.leave() }, "Close")));
        this.content.setAttribute("aria-busy", "false");
        this.saved = JSON.stringify({ ...this.values(), ...this.valuesOf(details.notes) });
        if (matchMedia("(hover: hover)").matches) this.fields.values().next().value?.focus(); // a phone's keyboard would cover the dialog
        this.changed();
    }

    get draft() {
        return `${this.kind} ${this.card.key}`;
    }

    /** The fields of the kind. @param {Details} details @param {Record<string, any>} notes */
    made(details, notes) {
        const fields = [this.text("description", "Description", notes, 2)];
        if (this.kind === "lora") {
            fields.push(
                this.text("activation text", "Activation text: goes into the prompt with it", notes, 2),
                this.text("negative text", "Negative text: goes into the negative prompt", notes, 1),
                element("div", { class: "card-pair" }, this.weight(notes),
                    this.choice("sd version", "Made for", notes, VERSIONS.map((value) => [value, value || "As the file says"]))));
        }
        if (this.kind === "checkpoint") {
            const known = [...VAES, ...details.vaes];
            const own = notes.vae && !known.includes(notes.vae) ? [notes.vae] : [];
            const choices = /** @type {[string, string][]} */ ([...known, ...own].map((value) => [value, value]));
            fields.push(this.choice("vae", "Preferred VAE", { vae: notes.vae || "Automatic" }, choices));
        }
        return [...fields, this.text("notes", "Notes", notes, 4)];
    }

    /** @param {string} key @param {string} label @param {Record<string, any>} notes @param {number} rows */
    text(key, label, notes, rows) {
        const field = element("textarea", {
            name: key, rows, value: String(notes[key] ?? ""), translate: false, spellcheck: key === "notes", oninput: () => this.changed(),
        });
        this.fields.set(key, field);
        return element("label", {}, element("span", {}, label), field);
    }

    /** @param {Record<string, any>} notes */
    weight(notes) {
        const value = Number(notes["preferred weight"]) || 0;
        const number = element("input", { type: "number", name: "preferred weight", min: -10, max: 10, step: 0.05, value: value || "",
            placeholder: "default", oninput: () => ((slider.value = number.value || "0"), this.changed()) });
        const slider = element("input", { type: "range", min: 0, max: 2, step: 0.05, value, "aria-label": "Preferred weight",
            oninput: () => ((number.value = Number(slider.value) || ""), this.changed()) });
        this.fields.set("preferred weight", number);
        return element("label", {}, element("span", {}, "Preferred weight"), element("span", { class: "card-weight" }, slider, number));
    }

    /** @param {string} key @param {string} label @param {Record<string, any>} notes @param {[string, string][]} choices */
    choice(key, label, notes, choices) {
        const field = element("select", { name: key, onchange: () => this.changed() },
            ...choices.map(([value, text]) => element("option", { value, selected: value === (notes[key] ?? "") }, text)));
        this.fields.set(key, field);
        return element("label", {}, element("span", {}, label), field);
    }

    /** What is in the fields. @returns {Record<string, any>} */
    values() {
        return this.valuesOf(Object.fromEntries([...this.fields].map(([key, field]) => [key, field.value])));
    }

    /** Values as the notes keep them, of the fields that there are. @param {Record<string, any>} raw @returns {Record<string, any>} */
    valuesOf(raw) {
        const kept = [...this.fields.keys()].map((key) => {
            if (key === "preferred weight") return [key, Number(raw[key]) || 0];
            return [key, String(raw[key] ?? "") || (key === "vae" ? "Automatic" : "")];
        });
        return Object.fromEntries(kept);
    }

    get dirty() {
        return Boolean(this.details) && JSON.stringify(this.values()) !== this.saved;
    }

    changed() {
        if (this.button) this.button.disabled = !this.dirty;
        if (!this.dirty) this.ask(false);
    }

    async save() {
        if (!this.dirty) return this.dialog.close();
        const { kind, card } = this;
        this.button.disabled = true;
        this.button.textContent = "Saving…";
        const values = this.values();
        if (await call(`webui/cards/${kind}/notes?name=${encodeURIComponent(card.key)}`, { json: values })) {
            this.saved = JSON.stringify(values);
            this.dialog.close();
            return load(kind, { force: true });
        }
        this.button.textContent = "Save";
        this.changed();
    }

    // Leaving

    leave() {
        if (this.dirty) this.ask(true);
        else this.dialog.close();
    }

    /** @param {boolean} asks */
    ask(asks) {
        if (!this.asking) return;
        const before = this.asking.hidden;
        this.asking.hidden = !asks;
        if (asks && before) this.asking.querySelector("button").focus();
        if (!asks && !before) this.fields.values().next().value?.focus();
    }

    discard() {
        this.saved = JSON.stringify(this.values());
        this.dialog.close();
    }

    /** The browser's own way to close a dialog, such as a phone's back gesture. @param {Event} event */
    cancelled(event) {
        if (event.target !== this.dialog) return;
        event.preventDefault();
        this.leave();
    }

    closed() {
        if ("aside" in this.dialog.dataset || this.dialog.open) return;
        window.removeEventListener("keydown", this.pressed, true);
        if (this.dirty) drafts.set(this.draft, this.values());
        else drafts.delete(this.draft);
        this.dialog.remove();
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        if (!this.dialog.open || document.querySelector("dialog.card-metadata[open]")) return;
        const command = event.ctrlKey || event.metaKey;
        if (event.key === "Escape") this.asking && !this.asking.hidden ? this.ask(false) : this.leave();
        else if (command && (event.key === "Enter" || event.key.toLowerCase() === "s")) this.save();
        else return;
        event.preventDefault();
        event.stopPropagation();
    }

    // The picture

    picture() {
        this.image = element("div", { class: "card-picture", dataset: { initial: [...this.card.name][0]?.toUpperCase() ?? "" } });
        const file = element("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "A picture from a file", tabIndex: -1,
            onchange: () => file.files[0] && this.setPicture(file.files[0]) });
        this.showPicture();
        return element("div", { class: "card-side" }, this.image,
            element("button", { type: "button", onclick: () => this.fromGallery() }, "Use the selected picture"),
            element("button", { type: "button", onclick: () => file.click() }, "From a file…"), file);
    }

    showPicture() {
        const { card, kind } = this;
        const image = card.picture && element("img", { alt: "The model's picture", onerror: () => image.remove() });
        if (image) image.src = pictureOf(kind, card);
        this.image.replaceChildren(...(image ? [image] : []));
    }

    /** Show the model by the picture that is selected in the results. */
    async fromGallery() {
        const pictures = [...document.querySelectorAll(`#${this.tab}_gallery .thumbnails img, #${this.tab}_gallery .grid-wrap img`)];
        const selected = pictures.find((each) => each.closest(".selected")) ?? pictures[0];
        const address = /** @type {HTMLImageElement | undefined} */ (selected)?.src;
        const answer = address ? await fetch(address).catch(() => undefined) : undefined;
        if (!answer?.ok) return say("There is no picture among the results.", "Generate one, or select one, then try again.");
        await this.setPicture(await answer.blob());
    }

    /** @param {Blob} picture */
    async setPicture(picture) {
        const { kind, card } = this;
        this.image.setAttribute("aria-busy", "true");
        const done = await call(`webui/cards/${kind}/preview?name=${encodeURIComponent(card.key)}`, { body: picture });
        if (done) await load(kind, { force: true });
        this.card = cardOf(kind, card.key) ?? card;
        this.image.removeAttribute("aria-busy");
        this.showPicture();
    }
}

