// @ts-check
// What the preprocessor makes of a unit's picture, beside it.
import { call, element, formValues, keepPicture, pictureAddress, pictureReference, say, sourcePicture, tool } from "easel/extension.js";
import { editPose } from "./pose.js";
import { standing } from "./pose_figure.js";

export class Preview {
    /** @param {import("./unit.js").UnitView} unit */
    constructor(unit) {
        this.unit = unit;
        this.image = element("img", { alt: "What the preprocessor made of it", decoding: "async", hidden: true });
        this.words = element("figcaption", { class: "quiet", "aria-live": "polite" });
        this.tools = element("div", { class: "cn-preview-tools", hidden: true },
            tool("apply", "Use the preview as the picture", () => this.use()),
            tool("download", "Download the preview", () => this.download()));
        /** The pose that was drawn last, and the picture that it is by now. @type {{upload: string, poses: import("./pose_figure.js").Poses} | undefined} */
        this.drawn = undefined;
        this.pose = element("button", { type: "button", class: "cn-pose", hidden: true, onclick: () => this.editPose() }, "Edit the pose");
        this.element = element("figure", { class: "cn-preview", id: `${unit.id}_preview_picture` },
            element("div", {}, this.image, this.tools), this.words, this.pose);
        this.show();
    }

    /** It is there if a person wants one. */
    show() {
        this.element.hidden = !this.unit.state.preview;
        this.pose.hidden = !this.unit.preprocessor?.poses && !this.mine;
        if (!this.image.getAttribute("src")) this.words.textContent = "Run the preprocessor to see what it makes of the picture.";
    }

    /** The picture that the unit looks at, and its mask. */
    async source() {
        const { state, tab } = this.unit;
        if (state.image) return { picture: state.image, mask: state.mask };
        return tab === "img2img" ? sourcePicture() : null;
    }

    /** The drawn pose, if it is still the unit's picture. */
    get mine() {
        return this.drawn && this.drawn.upload === this.unit.state.image?.upload ? this.drawn : undefined;
    }

    /** What the program is asked about a picture. @param {any} source */
    asked(source) {
        const { state, tab } = this.unit;
        const { width = 512, height = 512 } = /** @type {any} */ (formValues(/** @type {any} */ (tab)));
        return {
            module: state.module, image: pictureReference(source.picture), mask: pictureReference(source.mask), resolution: state.processor_res ?? -1,
            threshold_a: state.threshold_a, threshold_b: state.threshold_b, perfect: Boolean(state.pixel_perfect), target: [width, height],
            resize_mode: state.resize_mode,
        };
    }

    async run() {
        const source = await this.source();
        if (!source) {
            say("There is no picture to look at.", "Drop one into the unit first.");
            return;
        }
        const answer = await this.ask("preview", this.asked(source));
        if (answer) this.put(answer);
    }

    /** @param {string} path @param {unknown} json */
    async ask(path, json) {
        this.element.setAttribute("aria-busy", "true");
        const answer = await call(`webui/extensions/controlnet/${path}`, { json });
        this.element.removeAttribute("aria-busy");
        return answer;
    }

    /** The poses of the unit's picture; without one, somebody standing in a picture of the form's size. */
    async poses() {
        if (this.mine) return { poses: this.mine.poses, picture: "" };
        const source = await this.source();
        if (source) {
            const found = await this.ask("poses/find", this.asked(source));
            return found && { poses: found.poses, picture: pictureAddress(source.picture) };
        }
        const { width = 512, height = 512 } = /** @type {any} */ (formValues(/** @type {any} */ (this.unit.tab)));
        return { poses: { people: [standing(width, height, 0)], canvas_width: width, canvas_height: height }, picture: "" };
    }

    /** Have a person change the pose, and work with what was drawn of it. */
    async editPose() {
        const begun = await this.poses();
        const poses = begun && (await editPose(begun.poses, begun.picture));
        const answer = poses && (await this.ask("poses/draw", { poses }));
        if (!answer) return;
        this.put(answer);
        const kept = await this.use();
        if (kept) this.drawn = { upload: kept.upload, poses };
        this.show();
        this.pose.focus();
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

    /** Work with the hint itself from now on. @returns {Promise<import("easel/extension.js").Kept | undefined>} the picture that it is */
    async use() {
        const { unit } = this;
        const kept = await keepPicture(await (await fetch(this.image.src)).blob());
        if (!kept) return undefined;
        unit.picture.put(kept);
        unit.set({ module: "none", threshold_a: -1, threshold_b: -1 });
        unit.offerChoices();
        unit.offerSliders();
        return kept;
    }

    download() {
        element("a", { href: this.image.src, download: `${this.unit.state.module}.png` }).click();
    }
}
