// @ts-check
// <easel-detailer>: the detailer's passes, and what they would find in the picture that is shown.
import {
    call, define, element, keepPicture, OptionsForm, pictureReference, putExtensions, say, sendPicture, shownPicture, showTab, sourcePicture,
} from "easel/extension.js";

const BESIDE = "webui/extensions/detailer/";

class DetailerPanel extends HTMLElement {
    /** @type {"txt2img" | "img2img"} */
    tab = "txt2img";
    /** @type {any[]} */
    schema = [];
    /** @type {Record<string, string[]>} */
    lists = {};
    /** @type {any} */
    form = null;
    asked = false;

    /** @param {any} values */
    set value(values) {
        this.draw(values);
        if (!this.asked) this.offer();
        this.asked = true;
    }

    get value() {
        return this.form?.values ?? {};
    }

    /** @param {any} values */
    draw(values) {
        this.classList.add("webui");
        const fields = this.tab === "img2img" ? this.schema : this.schema.filter((field) => field.name !== "skip_img2img");
        this.form = new OptionsForm(fields, { id: (/** @type {any} */ field) => `${this.tab}_detailer_${field.name}`, lists: this.lists, values });
        this.form.onchange = () => this.dispatchEvent(new Event("change", { bubbles: true }));
        this.found = element("div", { class: "detailer-found", "aria-live": "polite" });
        this.replaceChildren(
            this.form.element,
            element("div", { class: "toolbar" },
                element("button", { type: "button", onclick: () => this.look() }, "Preview detections"),
                element("button", { type: "button", onclick: () => this.detail() }, "Detail the shown picture")),
            this.found);
    }

    /** Put the detectors that there are into the list, those in models/adetailer too. */
    async offer() {
        const told = await call(`${BESIDE}detectors`);
        const units = this.schema.find((field) => field.name === "units");
        const detector = units?.fields.find((/** @type {any} */ field) => field.name === "detector");
        const names = told?.detectors.filter((/** @type {any} */ one) => one.available).map((/** @type {any} */ one) => one.name);
        if (!names || !detector || names.join() === detector.choices.join()) return;
        detector.choices = names;
        this.draw(this.value);
    }

    /** What the program knows the picture of the results by, or img2img's source. @returns {Promise<string>} */
    async picture() {
        const shown = await shownPicture(this.tab);
        if (shown) return pictureReference((await keepPicture(shown)) ?? null);
        return this.tab === "img2img" ? pictureReference((await sourcePicture()).picture) : "";
    }

    async look() {
        const picture = await this.picture();
        if (!picture) {
            say("There is no picture to look at yet.", "Generate one, or give img2img a source.");
            return;
        }
        this.found?.replaceChildren(element("p", { class: "quiet" }, "Looking"));
        /** @type {HTMLElement[]} */
        const shown = [];
        for (const unit of this.form.asked.units ?? []) {
            const told = await call(`${BESIDE}find`, { json: { picture, unit } });
            if (!told) continue;
            const strip = /** @type {any} */ (element("webui-found"));
            strip.items = told.things;
            shown.push(element("p", {}, told.count ? `${told.count} found` : "Nothing was found."),
                ...(told.count ? [element("img", { src: told.picture, alt: "What was found" }), strip] : []));
        }
        this.found?.replaceChildren(...shown);
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
