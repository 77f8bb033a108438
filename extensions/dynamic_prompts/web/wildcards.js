// @ts-check
// The page of the wildcard files, in the Tools tab: a list, and an editor.
import { call, define, element, say } from "easel/extension.js";

const PLACE = "webui/extensions/dynamic_prompts/";
/** @typedef {{name: string, text: string, editable: boolean}} File */

class Page extends HTMLElement {
    connectedCallback() {
        if (this.list) return;
        this.classList.add("webui");
        /** The file in the editor; `fresh` was never saved. @type {(File & {fresh?: boolean}) | undefined} */
        this.file = undefined;
        this.filter = element("input", { type: "search", placeholder: "Find a file", "aria-label": "Find a file", oninput: () => this.draw() });
        this.list = element("ul", { class: "files", translate: false });
        this.note = element("p", { class: "quiet" });
        this.name = element("input", { type: "text", "aria-label": "Name of the file", placeholder: "colours.txt", spellcheck: false, translate: false });
        this.text = element("textarea", { "aria-label": "Lines of the file", rows: 18, spellcheck: false, translate: false, oninput: () => this.mark() });
        this.save = element("button", { type: "button", class: "primary", onclick: () => this.write() }, "Save");
        this.drop = element("button", { type: "button", onclick: () => this.remove_file() }, "Delete");
        this.use = element("p", { class: "quiet" });
        const keys = (/** @type {KeyboardEvent} */ event) => {
            if (!(event.ctrlKey || event.metaKey) || event.key !== "s") return;
            event.preventDefault();
            void this.write();
        };
        this.append(element("div", { class: "side" },
            element("div", { class: "toolbar" }, this.filter, element("button", { type: "button", onclick: () => this.fresh() }, "New file")), this.list, this.note),
        this.editor = element("div", { class: "editor", onkeydown: keys }, this.name, this.text, element("div", { class: "toolbar" }, this.save, this.drop), this.use));
        this.addEventListener("shown", () => this.load());
        this.open(undefined);
        void this.load();
    }

    get changed() {
        return Boolean(this.file) && this.text.value !== this.file?.text;
    }

    async load() {
        const found = await call(`${PLACE}wildcards`);
        if (!found || !this.note) return;
        this.files = found.files;
        this.note.replaceChildren(...found.problems.map((/** @type {string} */ problem) => element("span", { class: "wrong" }, problem)),
            element("span", { translate: false }, found.folder));
        this.draw();
    }

    draw() {
        const wanted = this.filter.value.toLowerCase();
        const files = (this.files ?? []).filter((/** @type {{name: string}} */ { name }) => name.toLowerCase().includes(wanted));
        const rows = files.map((/** @type {{name: string, editable: boolean}} */ { name, editable }) => element("li", {},
            element("button", { type: "button", class: "file", "aria-current": name === this.file?.name ? "true" : undefined, onclick: () => this.choose(name) },
                name, !editable && element("span", { class: "chip", translate: true }, "read only"))));
        this.list.replaceChildren(...rows);
        if (!rows.length) this.list.append(element("li", { class: "empty", translate: true }, "There are no wildcard files yet."));
    }

    /** Whether what was typed may be left. */
    left() {
        return !this.changed || window.confirm("The file has changes that are not saved. Leave them?");
    }

    /** @param {string} name */
    async choose(name) {
        if (!this.left()) return;
        const file = await call(`${PLACE}file?name=${encodeURIComponent(name)}`);
        if (file) this.open(file);
    }

    fresh() {
        if (!this.left()) return;
        this.open({ name: "", text: "", editable: true, fresh: true });
        this.name.focus();
    }

    /** @param {(File & {fresh?: boolean}) | undefined} file */
    open(file) {
        this.file = file;
        this.editor.hidden = !file;
        this.name.value = file?.name ?? "";
        this.text.value = file?.text ?? "";
        this.name.disabled = !file?.fresh;
        this.text.disabled = !file?.editable;
        this.drop.disabled = !file?.editable || Boolean(file.fresh);
        const used = file?.name ? `__${file.name.replace(/\.[^.]*$/, "")}__` : "";
        this.use.replaceChildren(...(used ? [element("span", {}, "In a prompt:"), " ", element("code", { translate: false }, used)] : []));
        this.mark();
        if (this.files) this.draw();
    }

    mark() {
        this.save.disabled = !this.file?.editable || !(this.changed || this.file.fresh);
    }

    async write() {
        if (!this.file || this.save.disabled) return;
        const typed = this.name.value.trim();
        const name = /\.(txt|ya?ml|json)$/.test(typed) ? typed : `${typed}.txt`;
        if (!typed) return void say("The file has no name.", "Write one above the lines.");
        const before = this.file.fresh ? null : this.file.text;
        const file = await call(`${PLACE}file`, { json: { name, text: this.text.value, before } });
        if (!file) return;
        this.open(file);
        await this.load();
    }

    async remove_file() {
        const name = this.file?.name ?? "";
        if (!window.confirm("Delete this file? It is kept beside as .bak.")) return;
        const gone = await call(`${PLACE}file?name=${encodeURIComponent(name)}`, { method: "DELETE" });
        if (!gone) return;
        this.open(undefined);
        await this.load();
    }
}

define("dynamic-wildcards-page", Page);
