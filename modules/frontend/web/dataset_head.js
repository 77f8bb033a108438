// @ts-check
// The row on top of the workbench: which data set, new ones, what can be taken back.
import { element, tool } from "./dom.js";
import { ask } from "./jobs.js";
import { say } from "./notices.js";
import { call } from "./server.js";

const SUFFIXES = /\.(png|jpe?g|webp|gif|avif|txt|caption)$/i;

export class Head {
    /** @type {any[]} */
    shelves = [];
    here = false;
    /** @type {any[]} */
    captioners = [];

    /** @param {any} owner the <webui-dataset> */
    constructor(owner) {
        this.owner = owner;
        this.list = element("select", { class: "grow", "aria-label": "Data set",
            onchange: () => this.list.value && owner.choose(this.list.value) });
        this.folder = element("input", { type: "text", class: "grow", placeholder: "/home/me/pictures",
            "aria-label": "Folder of this machine", spellcheck: false });
        this.naming = element("form", { class: "toolbar", hidden: true, onsubmit: (/** @type {Event} */ event) => this.name(event) },
            this.folder, element("button", { type: "submit", class: "primary" }, "Open"));
        this.add = element("button", { type: "button", "aria-expanded": "false", onclick: () => this.unfold() }, "Open a folder");
        this.files = element("input", { type: "file", multiple: true, hidden: true, tabIndex: -1, "aria-hidden": "true",
            accept: ".png,.jpg,.jpeg,.webp,.gif,.avif,.txt,.caption",
                onchange: () => { this.upload([...this.files.files]); this.files.value = ""; } });
        this.send = element("button", { type: "button", onclick: () => this.files.click() }, "Upload pictures");
        this.again = tool("refresh", "Look at the folder again", () => owner.current && owner.choose(owner.current.id));
        this.undo = tool("dataset-undo", "Undo", () => this.turn("undo"));
        this.redo = tool("dataset-redo", "Redo", () => this.turn("redo"));
        this.away = tool("clear", "Take this folder off the list; its files stay", () => this.forget());
        this.train = element("button", { type: "button", class: "primary", onclick: () => this.begin() }, "Train on this");
        this.facts = element("p", { class: "quiet dataset-facts", role: "status" });
        this.element = element("div", { class: "dataset-head" },
            element("div", { class: "toolbar" }, this.list, this.add, this.send, this.files, this.again, this.undo, this.redo,
                this.away, this.train),
            this.naming, this.facts);
        owner.addEventListener("dragover", (/** @type {DragEvent} */ event) => {
            if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
        });
        owner.addEventListener("drop", (/** @type {DragEvent} */ event) => {
            if (!event.dataTransfer?.files.length) return;
            event.preventDefault();
            event.stopPropagation();
            this.upload([...event.dataTransfer.files]);
        });
        this.draw();
    }

    async load() {
        const found = await call("webui/datasets");
        if (!found) return;
        this.shelves = found.datasets;
        this.here = found.here;
        this.captioners = found.captioners;
        this.draw();
    }

    draw() {
        const { current, pictures } = this.owner;
        const options = this.shelves.map((one) => element("option", { value: one.id, translate: false,
            selected: one.id === current?.id }, one.own ? one.name : one.folder));
        this.list.replaceChildren(element("option", { value: "", selected: !current, disabled: Boolean(this.shelves.length) },
            this.shelves.length ? "Choose a data set" : "No data set yet"), ...options);
        this.add.hidden = !this.here;
        for (const button of [this.again, this.train]) button.disabled = !current;
        for (const [button, edit, words] of [[this.undo, current?.undo, "Undo"], [this.redo, current?.redo, "Redo"]]) {
            button.disabled = !edit;
            button.title = edit ? `${words}: ${edit.what}` : words;
        }
        const shelf = this.shelves.find((one) => one.id === current?.id);
        this.away.hidden = !shelf || shelf.own;
        if (!current) return void this.facts.replaceChildren();
        const { captioned, masked, bytes } = current.statistics;
        const parts = [`${pictures.length} pictures`, `${captioned} with captions`, masked && `${masked} with masks`,
            `${(bytes / 1e6).toFixed(1)} MB`];
        this.facts.replaceChildren(parts.filter(Boolean).join(" · "));
    }

    unfold() {
        this.naming.hidden = !this.naming.hidden;
        this.add.setAttribute("aria-expanded", String(!this.naming.hidden));
        if (!this.naming.hidden) this.folder.focus();
    }

    /** @param {Event} event */
    async name(event) {
        event.preventDefault();
        const made = await call("webui/datasets", { json: { folder: this.folder.value.trim() } });
        if (!made) return;
        this.unfold();
        this.folder.value = "";
        await this.load();
        await this.owner.choose(made.id);
    }

    /** Put files into the data set that is open and lies in the program's folder, or into a new one. @param {File[]} files */
    async upload(files) {
        const fitting = files.filter((file) => SUFFIXES.test(file.name));
        if (!fitting.length) return say("There is no picture among these files.",
            "PNG, JPEG, WEBP, GIF, AVIF and captions in .txt files can be uploaded.");
        const { owner } = this;
        const own = this.shelves.find((one) => one.id === owner.current?.id)?.own;
        const id = own ? owner.current.id : await this.fresh();
        if (!id) return;
        const line = owner.task;
        line.element.hidden = false;
        for (const [number, file] of fitting.entries()) {
            line.words.textContent = `Uploading: ${number} of ${fitting.length}`;
            line.bar.value = number / fitting.length;
            if (!(await call(`webui/datasets/${id}/files?name=${encodeURIComponent(file.name)}`, { body: file }))) break;
        }
        line.element.hidden = true;
        await this.load();
        await owner.choose(id);
    }

    /** A new data set, called by a word that a person gives. @returns {Promise<string | undefined>} */
    async fresh() {
        const name = await named(`pictures ${this.shelves.filter((one) => one.own).length + 1}`);
        return name ? (await call("webui/datasets", { json: { name } }))?.id : undefined;
    }

    /** @param {string} way */
    async turn(way) {
        if (await this.owner.call(way)) await this.owner.changed();
    }

    async forget() {
        const answer = await ask(`webui/datasets/${this.owner.current.id}`, { method: "DELETE" });
        if (!answer?.ok) return;
        this.owner.current = null;
        this.owner.pictures = [];
        await this.load();
        this.owner.empty();
    }

    begin() {
        document.dispatchEvent(new CustomEvent("webui-dataset-train", { detail: { folder: this.owner.current.folder } }));
    }
}

/** Ask for a name. @param {string} proposed @returns {Promise<string>} empty if it was closed */
function named(proposed) {
    return new Promise((resolve) => {
        const field = element("input", { type: "text", class: "grow", value: proposed, required: true, maxLength: 100,
            "aria-label": "Name" });
        const dialog = element("dialog", { class: "webui dataset-name", "aria-label": "New data set",
            onclose: () => { dialog.remove(); resolve(dialog.returnValue); } },
            element("form", { method: "dialog", onsubmit: () => dialog.close(field.value.trim()) }, element("h2", {}, "New data set"),
                element("p", { class: "quiet" }, "The pictures are kept in a folder of this name, below datasets."),
                element("div", { class: "toolbar" }, field, element("button", { type: "submit", class: "primary" }, "Make it"),
                    element("button", { type: "button", onclick: () => dialog.close("") }, "Cancel"))));
        document.body.append(dialog);
        dialog.showModal();
        field.select();
    });
}
