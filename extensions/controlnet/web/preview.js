// @ts-check
// What the preprocessor makes of a unit's picture, beside it.
import { call, element, formValues, keepPicture, pictureReference, say, sourcePicture, tool } from "easel/extension.js";

export class Preview {
    /** @param {import("./unit.js").UnitView} unit */
    constructor(unit) {
        this.unit = unit;
        this.image = element("img", { alt: "What the preprocessor made of it", decoding: "async", hidden: true });
        this.words = element("figcaption", { class: "quiet", "aria-live": "polite" });
        this.tools = element("div", { class: "cn-preview-tools", hidden: true },
            tool("apply", "Use the preview as the picture", () => this.use()),
            tool("download", "Download the preview", () => this.download()));
        this.element = element("figure", { class: "cn-preview", id: `${unit.id}_preview_picture` },
            element("div", {}, this.image, this.tools), this.words);
        this.show();
    }

    /** It is there if a person wants one. */
    show() {
        this.element.hidden = !this.unit.state.preview;
        if (!this.image.getAttribute("src")) this.words.textContent = "Run the preprocessor to see what it makes of the picture.";
    }

    /** The picture that the unit looks at, and its mask. */
    async source() {
        const { state, tab } = this.unit;
        if (state.image) return { picture: state.image, mask: state.mask };
        return tab === "img2img" ? sourcePicture() : null;
    }

    async run() {
        const { state, tab } = this.unit;
        const source = await this.source();
        if (!source) {
            say("There is no picture to look at.", "Drop one into the unit first.");
            return;
        }
        const { width = 512, height = 512 } = /** @type {any} */ (formValues(/** @type {any} */ (tab)));
        const asked = {
            module: state.module, image: pictureReference(source.picture), mask: pictureReference(source.mask), resolution: state.processor_res ?? -1,
            threshold_a: state.threshold_a, threshold_b: state.threshold_b, perfect: Boolean(state.pixel_perfect), target: [width, height],
            resize_mode: state.resize_mode,
        };
        this.element.setAttribute("aria-busy", "true");
        const answer = await call("webui/extensions/controlnet/preview", { json: asked });
        this.element.removeAttribute("aria-busy");
        if (answer) this.put(answer);
    }

    /** @param {{image: string, size: [number, number], resolution: number | null}} answer */
    put({ image, size }) {
        this.image.src = image;
        this.image.hidden = this.tools.hidden = false;
        this.words.textContent = `${size[0]} × ${size[1]}`;
        if (!this.unit.state.preview) {
            if (this.unit.previewBox) this.unit.previewBox.checked = true;
            this.unit.set({ preview: true });
        }
        this.show();
    }

    /** Work with the hint itself from now on. */
    async use() {
        const { unit } = this;
        const kept = await keepPicture(await (await fetch(this.image.src)).blob());
        if (!kept) return;
        unit.picture.put(kept);
        unit.set({ module: "none", threshold_a: -1, threshold_b: -1 });
        unit.offerChoices();
        unit.offerSliders();
    }

    download() {
        element("a", { href: this.image.src, download: `${this.unit.state.module}.png` }).click();
    }
}
