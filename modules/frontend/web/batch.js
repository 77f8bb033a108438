// @ts-check
// The pictures of img2img's batch: chosen or dropped, uploaded when the form is sent.
import { element } from "./dom.js";
import { contribute } from "./forms.js";
import { call } from "./server.js";

const MOST = 256;

/** `<webui-batch data-tab="img2img">` */
class Batch extends HTMLElement {
    connectedCallback() {
        if (this.files) return;
        /** @type {File[]} */
        this.files = [];
        /** @type {WeakMap<File, string>} what was uploaded already */
        this.known = new WeakMap();
        this.classList.add("webui");
        const input = element("input", { type: "file", multiple: true, accept: "image/*", hidden: true,
            onchange: () => this.add(input.files ?? []) });
        this.list = element("ul", { translate: false });
        this.replaceChildren(input, element("div", { class: "toolbar" },
            element("button", { type: "button", onclick: () => input.click() }, "Choose pictures"),
            element("button", { type: "button", onclick: () => this.clear() }, "Take all away"),
            this.words = element("span", { class: "quiet", "aria-live": "polite" })), this.list);
        this.addEventListener("dragover", (event) => event.preventDefault());
        this.addEventListener("drop", (event) => {
            event.preventDefault();
            this.add(event.dataTransfer?.files ?? []);
        });
        contribute(/** @type {any} */ (this.dataset.tab), "files", () => this.value());
        this.show();
    }

    /** @param {Iterable<File>} files */
    add(files) {
        this.files = [...(this.files ?? []), ...[...files].filter((file) => file.type.startsWith("image/"))].slice(0, MOST);
        this.show();
    }

    clear() {
        this.files = [];
        this.show();
    }

    show() {
        const count = this.files?.length ?? 0;
        if (this.words) this.words.textContent = count ? `${count} pictures` : "Drop pictures here, or name a folder below.";
        this.list.replaceChildren(...(this.files ?? []).slice(0, 12).map((file) => element("li", {}, file.name)));
    }

    /** The pictures by the ids of their uploads; only while the batch is in front. */
    async value() {
        if (document.body.dataset.mode !== "batch") return [];
        const sent = [];
        for (const file of this.files ?? []) {
            const id = this.known?.get(file) ?? (await call("webui/uploads", { body: file }))?.id;
            if (!id) continue;
            this.known?.set(file, id);
            sent.push({ id, name: file.name });
        }
        return sent;
    }
}

customElements.define("webui-batch", Batch);
