// @ts-check
// Which pictures are trained on: folders on the program's machine, or pictures that are dropped here and sent up.
import { element, tool } from "./dom.js";
import { say } from "./notices.js";
import { known, upload } from "./training_datasets.js";

/** @typedef {{folder: string, repeats: number, held_out: boolean}} Folder */

const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"];
const LARGEST = 64 * 2 ** 20; // bytes the program takes in one request

export class Pictures {
    /** @type {{folder: any, repeats: any, held: any, element: HTMLElement}[]} */
    rows = [];

    /**
     * @param {boolean} here folders may be named
     * @param {() => void} changed
     * @param {(folder: string) => void} edit shows a folder in the workbench
     * @param {() => string} name what a set of dropped pictures is called
     */
    constructor(here, changed, edit, name) {
        this.here = here;
        this.changed = changed;
        this.edit = edit;
        this.name = name;
        this.list = element("div", { class: "training-folders" });
        this.names = element("datalist", { id: "training_known_folders" });
        this.file = element("input", { type: "file", accept: [...TYPES, ".txt"].join(), multiple: true, hidden: true, tabIndex: -1,
            "aria-hidden": "true",
            onchange: () => {
                this.send([...this.file.files]);
                this.file.value = "";
            } });
        this.bar = element("progress", { max: 1, hidden: true, "aria-label": "Sending pictures" });
        this.said = element("p", { class: "quiet", role: "status" });
        this.drop = element("button", { type: "button", class: "plain training-drop", onclick: () => this.file.click() },
            element("span", { class: "icon-training-drop", "aria-hidden": "true" }),
            element("span", {}, "Or drop pictures here, with their .txt captions if there are any, or choose files"));
        for (const kind of ["dragover", "dragleave", "drop"]) this.drop.addEventListener(kind, (/** @type {DragEvent} */ event) =>
            this.dragged(event));
        this.more = element("button", { type: "button", class: "training-more", onclick: () => this.grow() }, "Add a folder");
        this.element = element("div", { class: "training-pictures" }, this.names, this.list, this.more, this.drop, this.file, this.bar,
            this.said);
        this.value = [];
        this.learn();
    }

    /** The folders of uploaded sets, and those that were used before. */
    async learn() {
        const list = await known();
        this.names.replaceChildren(...list.map(({ folder, name }) => element("option", { value: folder, translate: "no" }, name)));
    }

    /** @returns {Folder[]} */
    get value() {
        return this.rows.filter(({ folder }) => folder.value.trim())
            .map(({ folder, repeats, held }) => ({ folder: folder.value.trim(), repeats: Math.max(1, Number(repeats.value) || 1),
                held_out: held.checked }));
    }

    /** @param {Folder[]} folders */
    set value(folders) {
        this.rows = (folders.length ? folders : [{ folder: "", repeats: 1, held_out: false }]).map((one) => this.row(one));
        this.draw();
    }

    /** @param {Folder} one */
    row({ folder, repeats, held_out }) {
        const place = element("input", { type: "text", value: folder, "aria-label": "Folder of pictures",
            placeholder: "Folder, such as C:\\pictures\\dog or /home/me/dog",
            autocomplete: "off", spellcheck: false, oninput: () => this.edited() });
        place.setAttribute("list", "training_known_folders");
        const often = element("input", { type: "number", min: 1, max: 1000, value: repeats,
            "aria-label": "How often each picture is shown in a round", oninput: () => this.changed() });
        const held = element("input", { type: "checkbox", checked: held_out, onchange: () => this.changed() });
        const made = { folder: place, repeats: often, held, element: element("div", { class: "training-folder" }) };
        const look = tool("picture", "Show the folder in Dataset", () => this.edit(place.value.trim()));
        const remove = tool("training-close", "Take this folder out", () => this.remove(made));
        made.element.append(element("div", { class: "toolbar" }, place, look, remove),
            element("div", { class: "toolbar training-folder-more" },
                element("label", { class: "toolbar", title: "More often than those of other folders" }, often,
                    element("span", {}, "times each")),
                element("label", { class: "toolbar", title: "Not trained on: only for the loss on unseen pictures" }, held,
                    element("span", {}, "held out"))));
        return made;
    }

    edited() {
        this.draw();
        this.changed();
    }

    grow() {
        this.rows.push(this.row({ folder: "", repeats: 1, held_out: false }));
        this.draw();
        this.rows[this.rows.length - 1].folder.focus();
    }

    /** @param {any} row */
    remove(row) {
        this.rows = this.rows.filter((each) => each !== row);
        if (!this.rows.length) this.value = [];
        else this.draw();
        this.rows[0].folder.focus();
        this.changed();
    }

    /** How often and whether only to look at has a meaning where there are several folders. */
    draw() {
        const several = this.rows.length > 1;
        for (const row of this.rows) {
            const [look, remove] = row.element.querySelectorAll("button");
            look.disabled = !row.folder.value.trim();
            remove.hidden = !several && !row.folder.value;
            /** @type {HTMLElement} */ (row.element.lastElementChild).hidden = !several;
        }
        const wanted = this.rows.map(({ element: each }) => each);
        for (const old of [...this.list.children]) if (!wanted.includes(old)) old.remove();
        for (const each of wanted) if (!each.isConnected || each.parentElement !== this.list) this.list.append(each);
        this.more.hidden = !this.value.length;
        this.drop.classList.toggle("small", this.value.length > 0);
    }

    /** @param {DragEvent} event */
    dragged(event) {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        event.stopPropagation();
        this.drop.classList.toggle("dropped-on", event.type === "dragover");
        if (event.type === "drop") this.send([...event.dataTransfer.files]);
    }

    /** Send pictures and captions up: they become a set of their own, or go to the one that is named. @param {File[]} files */
    async send(files) {
        const fit = files.filter((file) => (TYPES.includes(file.type) || /\.(txt|caption)$/i.test(file.name)) && file.size <= LARGEST);
        const wrong = files.find((file) => !fit.includes(file));
        if (wrong) say(`'${wrong.name}' was left out.`,
            "PNG, JPEG, WEBP, GIF and AVIF of up to 64 MB can be trained on, and .txt files with captions.");
        if (!fit.length) return;
        this.bar.hidden = false;
        this.bar.value = 0;
        const sent = await upload(this.name(), fit, (done) => {
            this.bar.value = done / fit.length;
            this.said.textContent = `${done} of ${fit.length} files sent`;
        });
        this.bar.hidden = true;
        if (!sent) return void (this.said.textContent = "The pictures could not be sent.");
        this.said.textContent = `${fit.length} files are with the program now.`;
        const kept = this.value.filter(({ folder }) => folder !== sent.folder);
        this.value = [...kept, { folder: sent.folder, repeats: 1, held_out: false }];
        this.learn();
        this.changed();
    }
}
