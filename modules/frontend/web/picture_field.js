// @ts-check
// <webui-picture-field>: one picture of a panel. It is dropped, pasted, chosen, or taken with a camera; a mask may be drawn over it.
import { element, tool } from "./dom.js";
import { ask } from "./jobs.js";
import { say } from "./notices.js";
import { TYPES, kept, keepPicture, pictureAddress } from "./pictures_kept.js";
import { drawMask } from "./picture_mask.js";
import { takePhotograph } from "./picture_camera.js";

/** @typedef {import("./pictures_kept.js").Given} Given */

/** Dispatches "change" when a person gives another picture or mask. `maskable`: a mask can be drawn; `name` is for screen readers. */
export class PictureField extends HTMLElement {
    /** @type {Given} */
    #value = null;
    /** @type {Given} */
    #mask = null;
    maskable = false;
    disabled = false;

    connectedCallback() {
        if (!this.childElementCount) this.build();
        this.paste = (/** @type {ClipboardEvent} */ event) => this.pasted(event);
        document.addEventListener("paste", this.paste, true);
        this.draw();
    }

    disconnectedCallback() {
        if (this.paste) document.removeEventListener("paste", this.paste, true);
    }

    get value() {
        return this.#value;
    }

    /** A picture as base64 is taken too, and kept. */
    set value(value) {
        this.#value = value || null;
        this.draw();
        if (typeof value === "string" && value) kept(value).then((found) => this.#value === value && this.put(found, this.#mask));
    }

    get mask() {
        return this.#mask;
    }

    set mask(mask) {
        this.#mask = mask || null;
        this.draw();
        if (typeof mask === "string" && mask) kept(mask).then((found) => this.#mask === mask && this.put(this.#value, found));
    }

    /** Have another picture and mask, and tell it. @param {Given} picture @param {Given} [mask] */
    put(picture, mask = null) {
        this.#value = picture;
        this.#mask = mask;
        this.draw();
        this.dispatchEvent(new Event("change", { bubbles: true }));
    }

    build() {
        this.classList.add("webui");
        this.setAttribute("role", "group");
        this.setAttribute("aria-label", this.getAttribute("name") ?? "Picture");
        this.input = element("input", { type: "file", accept: TYPES.join(), hidden: true, tabIndex: -1, "aria-hidden": "true",
            onchange: () => {
                this.take(this.input.files[0]);
                this.input.value = "";
            } });
        this.choose = element("button", { type: "button", class: "plain field-drop", onclick: () => this.input.click() },
            "Drop a picture here, paste one, or choose a file");
        this.shown = element("div", { class: "field-shown" });
        this.tools = element("div", { class: "field-tools" });
        this.append(this.input, this.choose, this.shown, this.tools);
        this.addEventListener("dragover", (event) => this.over(event));
        this.addEventListener("dragleave", () => this.classList.remove("dropped-on"));
        this.addEventListener("drop", (event) => this.dropped(event));
    }

    draw() {
        if (!this.shown || !this.isConnected) return;
        const full = Boolean(this.#value);
        this.classList.toggle("full", full);
        this.choose.hidden = full;
        this.choose.disabled = this.disabled;
        const picture = full && element("img", { src: pictureAddress(this.#value), alt: "", decoding: "async", draggable: false,
            onerror: () => this.lost() });
        const mask = full && this.#mask && element("span", { class: "field-mask" });
        if (mask) mask.style.setProperty("--mask", `url("${new URL(pictureAddress(this.#mask), document.baseURI).href}")`);
        this.shown.replaceChildren(...[picture, mask].filter(Boolean));
        this.tools.replaceChildren(...this.toolsNow(full));
    }

    /** @param {boolean} full */
    toolsNow(full) {
        if (this.disabled) return [];
        const camera = navigator.mediaDevices && tool("camera", "Take a photograph", async () => {
            const photograph = await takePhotograph();
            if (photograph) await this.take(photograph);
        });
        if (!full) return camera ? [camera] : [];
        return [
            this.maskable && tool("brush", "Draw a mask", () => this.drawMask(), { "aria-pressed": String(Boolean(this.#mask)) }),
            this.maskable && tool("mask-file", "Load a mask", () => this.chooseMask()),
            tool("open", "Choose another file", () => this.input.click()),
            camera,
            tool("clear", "Take the picture out", () => this.put(null)),
        ].filter(Boolean);
    }

    async drawMask() {
        const drawn = await drawMask(this.#value, this.#mask);
        if (drawn !== undefined) this.put(this.#value, drawn);
        /** @type {HTMLElement | null} */ (this.querySelector(".icon-brush"))?.focus();
    }

    chooseMask() {
        const input = element("input", { type: "file", accept: TYPES.join(), onchange: async () => {
            const mask = input.files[0] && (await keepPicture(input.files[0]));
            if (mask) this.put(this.#value, mask);
        } });
        input.click();
    }

    /** Take in a picture that a person gave. @param {Blob | undefined} file */
    async take(file) {
        if (!file || this.disabled) return;
        this.setAttribute("aria-busy", "true");
        const found = await keepPicture(file);
        this.removeAttribute("aria-busy");
        if (found) this.put(found);
    }

    /** The program keeps pictures for two weeks. */
    async lost() {
        const answer = await ask(pictureAddress(this.#value));
        if (answer?.status !== 404) return;
        this.put(null);
        say("A picture of this panel is not kept any more.", "Choose it again.");
    }

    /** @param {DragEvent} event */
    over(event) {
        const types = event.dataTransfer?.types ?? [];
        if (this.disabled || (!types.includes("Files") && !types.includes("text/uri-list"))) return;
        event.preventDefault();
        this.classList.add("dropped-on");
    }

    /** @param {DragEvent} event */
    async dropped(event) {
        event.preventDefault();
        event.stopPropagation();
        this.classList.remove("dropped-on");
        const file = event.dataTransfer?.files[0];
        if (file) return this.take(file);
        const address = event.dataTransfer?.getData("text/uri-list").split(/[\r\n]+/).find((line) => line && !line.startsWith("#"));
        if (!address) return undefined;
        if (new URL(address, location.href).origin !== location.origin)
            return say("Pictures of other sites cannot be fetched.", "Save it, and drop the file.");
        const answer = await fetch(address).catch(() => undefined);
        return answer?.ok ? this.take(await answer.blob()) : say("The picture is not there any more.");
    }

    /** A picture on the clipboard comes here while the pointer is over the field, or the focus in it. @param {ClipboardEvent} event */
    pasted(event) {
        const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
        if (!file || !this.matches(":hover, :focus-within") || document.querySelector("dialog[open]")) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        this.take(file);
    }
}

customElements.define("webui-picture-field", PictureField);
