// @ts-check
// <easel-detailer>: the detailer's passes, and what they would find in the picture that is shown.
import {
    call, define, element, keepPicture, OptionsForm, pictureReference, promptBox, putExtensions, say, sendPicture, shownPicture, showTab,
    sourcePicture, tool,
} from "easel/extension.js";
import { Passes } from "./passes.js";

const BESIDE = "webui/extensions/detailer/";

class DetailerPanel extends HTMLElement {
    /** @type {"txt2img" | "img2img"} */
    tab = "txt2img";
    /** @type {any[]} */
    schema = [];
    /** @type {Record<string, string[]>} */
    lists = {};
    /** @type {Passes | null} */
    passes = null;
    /** What holds for all passes. @type {any} */
    form = null;

    /** @param {any} values */
    set value(values) {
        if (!this.passes) this.draw();
        const { units = [], ...others } = values ?? {};
        if (this.form) this.form.values = others;
        if (this.passes) this.passes.values = units;
    }

    get value() {
        return this.passes ? { skip_img2img: false, ...this.form?.values, units: this.passes.values } : {};
    }

    get problems() {
        return this.passes?.problems ?? [];
    }

    draw() {
        this.classList.add("webui");
        const id = `${this.tab}_detailer`;
        const changed = () => this.dispatchEvent(new Event("change", { bubbles: true }));
        if (this.tab === "img2img") {
            const fields = this.schema.filter((field) => field.name === "skip_img2img");
            this.form = new OptionsForm(fields, { id: (/** @type {any} */ field) => `${id}_${field.name}` });
            this.form.addEventListener("change", changed);
        }
        const units = this.schema.find((field) => field.name === "units");
        this.passes = new Passes(structuredClone(units), { id: `${id}_units`, lists: this.lists, changed });
        this.found = element("div", { class: "detailer-found", "aria-live": "polite" });
        this.replaceChildren(
            ...(this.form ? [this.form.element] : []),
            element("div", { class: "toolbar" },
                element("button", { type: "button", onclick: () => this.look() }, "Preview detections"),
                element("button", { type: "button", onclick: () => this.detail() }, "Detail the shown picture"),
                tool("refresh", "Look for files again", () => this.offer())),
            this.found, this.passes.element);
        this.offer();
    }

    /** Put the detectors that there are into the list, those in models/adetailer too. */
    async offer() {
        const told = await call(`${BESIDE}detectors`);
        if (told) this.passes?.offer(told.detectors.filter((/** @type {any} */ one) => one.available).map((/** @type {any} */ one) => one.name));
    }

    /** What the program knows the picture of the results by, or img2img's source. @returns {Promise<string>} */
    async picture() {
        const shown = await shownPicture(this.tab);
        if (shown) return pictureReference((await keepPicture(shown)) ?? null);
        return this.tab === "img2img" ? pictureReference((await sourcePicture())?.picture ?? null) : "";
    }

    async look() {
        const picture = await this.picture();
        if (!picture) {
            say("There is no picture to look at yet.", "Generate one, or give img2img a source.");
            return;
        }
        const units = (this.passes?.values ?? []).map((unit, place) => ({ unit, place })).filter(({ unit }) => unit.enabled);
        if (!units.length) {
            say("No pass is on.");
            return;
        }
        this.found?.replaceChildren(element("p", { class: "quiet" }, "Looking"));
        const prompt = promptBox(this.tab)?.value ?? "";
        /** @type {HTMLElement[]} */
        const shown = [];
        for (const { unit, place } of units) {
            const told = await call(`${BESIDE}find`, { json: { picture, unit, prompt } });
            if (told) shown.push(this.sight(told, place));
        }
        this.found?.replaceChildren(...shown);
    }

    /** What one pass found: the picture with the masks on it, and each thing with the prompt that it would be painted with.
     * @param {any} told @param {number} place @returns {HTMLElement} */
    sight(told, place) {
        const words = element("figcaption", {}, element("b", {}, `Pass ${place + 1}`), " ",
            element("span", {}, told.count ? `${told.count} found` : "Nothing was found."));
        if (!told.count) return element("figure", {}, words);
        const strip = /** @type {any} */ (element("webui-found", { "aria-label": "What was found" }));
        strip.items = told.things;
        return element("figure", {}, words,
            element("div", { class: "detailer-sight" }, element("img", { src: told.picture, alt: "What was found" }),
                element("div", {}, strip, told.own_prompts && element("ol", {}, ...told.things.map((/** @type {any} */ one) =>
                    element("li", {}, one.prompt === null ? element("span", { class: "quiet" }, "Left out") : element("span", { translate: false }, one.prompt)))))));
    }

    /** Send the picture to img2img with these passes, its own painting left out. */
    async detail() {
        const picture = await shownPicture(this.tab);
        if (!picture) {
            say("There is no picture to detail yet.", "Generate one first.");
            return;
        }
        await sendPicture(picture, "img2img", picture.name);
        putExtensions("img2img", { detailer: { ...this.value, skip_img2img: true } });
        showTab("img2img");
    }
}

define("easel-detailer", DetailerPanel);
