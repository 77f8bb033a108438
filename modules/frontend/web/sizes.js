// @ts-check
// The sizes that a form leads to, in words: after Hires. fix, and after a picture was scaled.
import { values } from "./fields.js";

const LATENT = 8;
/** @param {unknown} value */
const number = (value) => Number(value) || 0;

/** Where the second pass leads. Both sides 0: by the scale; one: the other follows; both: the first pass covers them. @param {Record<string, unknown>} form */
export function hiresSize(form) {
    const [width, height] = [number(form.width), number(form.height)];
    const [across, down] = [number(form.hires_width), number(form.hires_height)];
    if (!across && !down) return [Math.floor(width * number(form.hires_scale)), Math.floor(height * number(form.hires_scale))];
    if (!down) return [across, Math.floor((across * height) / width)];
    if (!across) return [Math.floor((down * width) / height), down];
    return [across, down];
}

/** Says a size that follows from the fields. */
class Size extends HTMLElement {
    connectedCallback() {
        this.show = () => {
            this.textContent = this.words();
        };
        document.addEventListener("webui-fields", this.show);
        this.show();
    }

    disconnectedCallback() {
        document.removeEventListener("webui-fields", /** @type {any} */ (this.show));
    }

    words() {
        return "";
    }
}

class HiresSize extends Size {
    words() {
        const form = values("txt2img");
        if (!form.hires || !form.width) return "";
        const [width, height] = hiresSize(form);
        return `from ${form.width}x${form.height} to ${width}x${height}`;
    }
}

class ScaledSize extends Size {
    connectedCallback() {
        super.connectedCallback();
        /** @type {any} */ (window).webui.canvas?.("img2img")?.addEventListener("change", this.show);
    }

    words() {
        const picture = /** @type {any} */ (window).webui?.canvas?.("img2img")?.picture();
        if (!picture) return "There is no picture yet.";
        const scale = number(values("img2img").scale);
        const [width, height] = [picture.width, picture.height].map((side) => Math.floor((side * scale) / LATENT) * LATENT);
        return `from ${picture.width}x${picture.height} to ${width}x${height}`;
    }
}

customElements.define("webui-hires-size", HiresSize);
customElements.define("webui-scaled-size", ScaledSize);
