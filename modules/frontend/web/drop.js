// @ts-check
// <webui-drop>: a place for pictures. They are dropped, pasted, or chosen; with the attribute "many" it takes several.
import { element, tool } from "./dom.js";
import { say } from "./notices.js";
import { style } from "./parts.js";

const LARGEST = 64 * 2 ** 20; // bytes the program takes in one request
const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"];
const SHOWN = 60; // thumbnails of a batch; more are counted

/** Dispatches "change" whenever other pictures are in it. Attributes: many, name (what a screen reader calls it). */
class Drop extends HTMLElement {
    /** @type {File[]} */
    files = [];
    /** Addresses of the pictures shown, to be given back. @type {string[]} */
    urls = [];

    connectedCallback() {
        this.classList.add("webui");
        this.many = this.hasAttribute("many");
        if (!this.childElementCount) this.build();
        this.paste = (/** @type {ClipboardEvent} */ event) => this.pasted(event);
        document.addEventListener("paste", this.paste);
        this.draw();
    }

    disconnectedCallback() {
        document.removeEventListener("paste", /** @type {any} */ (this.paste));
        this.forget();
    }

    build() {
        const words = this.many ? "Drop pictures here, paste one, or choose files" : "Drop a picture here, paste one, or choose a file";
        this.input = element("input", {
            type: "file", accept: TYPES.join(), multiple: this.many, hidden: true, tabIndex: -1, "aria-hidden": "true",
            onchange: () => {
                this.take([...this.input.files]);
                this.input.value = "";
            },
        });
        this.open = element("button", { type: "button", class: "plain drop-here", onclick: () => this.input.click() },
            element("span", { class: "icon-drop", "aria-hidden": "true" }), element("span", {}, words));
        this.shown = element("div", { class: "drop-shown" });
        this.said = element("p", { class: "quiet drop-said", "aria-live": "polite" });
        this.said.translate = false;
        this.append(this.input, this.open, this.shown, this.said);
        this.setAttribute("role", "group");
        this.setAttribute("aria-label", this.getAttribute("name") ?? "Source");
        this.addEventListener("dragover", (event) => this.over(event));
        this.addEventListener("dragleave", () => this.classList.remove("dropped-on"));
        this.addEventListener("drop", (event) => this.dropped(event));
    }

    /** @param {DragEvent} event */
    over(event) {
        const types = event.dataTransfer?.types ?? [];
        if (!types.includes("Files") && !types.includes("text/uri-list")) return;
        event.preventDefault();
        this.classList.add("dropped-on");
        if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    }

    /** @param {DragEvent} event */
    async dropped(event) {
        event.preventDefault();
        this.classList.remove("dropped-on");
        const files = [...(event.dataTransfer?.files ?? [])];
        if (files.length) return this.take(files);
        const address = event.dataTransfer?.getData("text/uri-list").split("\n").find((line) => line && !line.startsWith("#"));
        if (!address) return;
        if (new URL(address, location.href).origin !== location.origin) {
            return say("Pictures of other sites cannot be fetched.", "Save it, and drop the file.");
        }
        const answer = await fetch(address).catch(() => undefined);
        if (!answer?.ok) return say("The picture is not there any more.");
        const blob = await answer.blob();
        this.take([new File([blob], decodeURIComponent(address.split(/[?#]/)[0].split("/").pop() ?? "picture"), { type: blob.type })]);
    }

    /** A picture on the clipboard goes to the place that is in sight, unless somebody is typing. @param {ClipboardEvent} event */
    pasted(event) {
        const focus = document.activeElement;
        const typing = focus?.matches("textarea, input:not([type=file], [type=range], [type=checkbox], [type=radio])");
        const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
        if (!files.length || typing || !this.checkVisibility() || document.querySelector("dialog[open]")) return;
        event.preventDefault();
        this.take(files);
    }

    /** Take in what a person gave; files that are no pictures are said. @param {File[]} files */
    take(files) {
        const fit = files.filter((file) => (!file.type || TYPES.includes(file.type)) && file.size <= LARGEST);
        for (const file of files.filter((each) => !fit.includes(each)).slice(0, 3)) {
            if (file.size > LARGEST) say(`'${file.name}' is larger than 64 MB.`);
            else say(`'${file.name}' is no picture.`, "PNG, JPEG, WEBP, GIF and AVIF can be used.");
        }
        if (fit.length) this.put(this.many ? [...this.files, ...fit] : fit.slice(0, 1));
    }

    /** @param {File[]} files in place of those before */
    put(files) {
        this.files = files;
        this.draw();
        this.dispatchEvent(new Event("change"));
    }

    forget() {
        for (const url of this.urls) URL.revokeObjectURL(url);
        this.urls = [];
    }

    draw() {
        this.forget();
        this.classList.toggle("full", this.files.length > 0);
        this.shown.replaceChildren(...this.files.slice(0, SHOWN).map((file) => this.picture(file)));
        if (this.files.length) this.shown.append(this.tools());
        this.tell();
    }

    /** @param {File} file */
    picture(file) {
        const url = URL.createObjectURL(file);
        this.urls.push(url);
        const picture = element("img", { src: url, alt: file.name, decoding: "async", draggable: false });
        picture.addEventListener("load", () => this.tell());
        if (!this.many) return picture;
        const remove = element("button", {
            type: "button", class: "plain drop-remove", title: "Take this picture out", "aria-label": `Take ${file.name} out`,
            onclick: () => this.put(this.files.filter((each) => each !== file)),
        }, "×");
        const label = element("figcaption", {}, file.name);
        label.translate = false;
        return element("figure", {}, picture, label, remove);
    }

    tools() {
        return element("div", { class: "drop-tools" },
            tool("open", this.many ? "Add files" : "Choose another file", () => this.input.click()),
            tool("clear", this.many ? "Take all pictures out" : "Take the picture out", () => this.put([])));
    }

    /** What is in it, in a line. */
    tell() {
        const picture = this.shown.querySelector("img");
        const [file] = this.files;
        const size = picture?.naturalWidth ? `${picture.naturalWidth}x${picture.naturalHeight}` : "";
        const hidden = this.files.length - SHOWN;
        this.said.textContent = !file ? ""
            : this.many ? `${this.files.length} pictures${hidden > 0 ? `, ${hidden} of them not shown` : ""}`
            : [file.name, size].filter(Boolean).join(" · ");
    }
}

style("drop");
customElements.define("webui-drop", Drop);
