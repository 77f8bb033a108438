// @ts-check
// Small pictures on the page of the presets: of the model, which is its card's, and of each preset.
import { call, element, formTab, say, shownPicture, tool } from "easel/extension.js";
import { list, load, pictureOf } from "easel/cards_store.js";

const SIDE = 300; // pixels, as the original keeps its thumbnails

/** A picture with what changes it: from a file, by the picture that is shown in the results, and, where `drop` is given, none. */
export class Frame {
    /** @param {string} alt what the picture is of @param {(picture: Blob) => unknown} put @param {() => unknown} [drop] */
    constructor(alt, put, drop) {
        this.alt = alt;
        this.file = element("input", { type: "file", accept: "image/*", hidden: true, tabIndex: -1, "aria-label": "A picture from a file",
            onchange: () => { if (this.file.files[0]) put(this.file.files[0]); this.file.value = ""; } });
        this.picture = element("div", { class: "preset-picture" });
        this.dropper = drop ? tool("clear", "Remove the picture", drop) : undefined;
        this.tools = element("div", { class: "toolbar" },
            tool("folder", "A picture from a file", () => this.file.click()),
            tool("picture", "Use the shown picture", async () => {
                const shown = await shownPicture(formTab());
                if (shown) put(shown);
                else say("There is no picture shown.", "Generate one first.");
            }), this.dropper, this.file);
        this.whole = element("div", { class: "frame", role: "group", "aria-label": alt }, this.picture,
            element("div", {}, element("span", { class: "quiet", "aria-hidden": "true" }, alt), this.tools));
    }

    /** @param {string} address empty for none @param {string} name whose picture it is */
    show(address, name) {
        const image = address ? element("img", { alt: this.alt, onerror: () => image.remove() }) : undefined;
        if (image) image.src = address;
        this.picture.dataset.initial = [...name][0]?.toUpperCase() ?? "";
        this.picture.replaceChildren(...(image ? [image] : []));
        if (this.dropper) this.dropper.disabled = !address;
    }
}

/** The address of the picture on a model's card; empty if it has none. @param {"checkpoint" | "lora"} kind @param {string} key the card's */
export async function cardPicture(kind, key) {
    await load(kind, { force: true });
    const card = list(kind).cards.find((one) => one.key === key);
    return card?.picture ? pictureOf(kind, card) : "";
}

/** Have a picture stand on a model's card, at most 300 pixels large. @param {"checkpoint" | "lora"} kind @param {string} key @param {Blob} picture */
export const setCardPicture = (kind, key, picture) => call(`webui/cards/${kind}/preview?side=${SIDE}&name=${encodeURIComponent(key)}`, { body: picture });

/** The presets that have a picture, as cards to choose one by. @param {Record<string, string>} addresses by preset @param {string} chosen @param {string} favourite the default one @param {(preset: string) => unknown} choose */
export const presetCards = (addresses, chosen, favourite, choose) => Object.entries(addresses).map(([name, address]) => {
    const image = element("img", { alt: "", loading: "lazy", onerror: () => image.remove() });
    image.src = address;
    return element("button", { type: "button", class: "plain preset-card", translate: false, title: name, "aria-pressed": String(name === chosen),
        dataset: { preset: name }, onclick: () => choose(name) },
        element("span", { class: "preset-picture", dataset: { initial: [...name][0]?.toUpperCase() ?? "" } }, image),
        element("span", { class: "preset-name" }, name === favourite ? `★ ${name}` : name));
});
