// @ts-check
// More than one picture for a unit: further ones that share its weight, and a folder whose pictures take turns.
import { call, element, keepPicture, pictureAddress, say, tool } from "easel/extension.js";

const MOST = 16;

/** The further pictures, small, each with a button that takes it out. */
export class Several {
    /** @param {import("./unit.js").UnitView} unit */
    constructor(unit) {
        this.unit = unit;
        this.list = element("ul", { class: "cn-several", "aria-label": "More pictures" });
        this.input = element("input", { type: "file", accept: "image/*", multiple: true, hidden: true, tabIndex: -1, "aria-hidden": "true",
            onchange: async () => {
                await this.take([...this.input.files]);
                this.input.value = "";
            } });
        this.add = tool("cn-add", "Add pictures that share the weight", () => this.input.click());
        this.element = element("div", {}, this.input, this.list);
        this.draw();
    }

    get pictures() {
        return this.unit.state.images ?? [];
    }

    /** @param {File[]} files */
    async take(files) {
        const room = MOST - this.pictures.length;
        if (files.length > room) say(`A unit can have ${MOST} more pictures.`);
        const kept = await Promise.all(files.slice(0, room).map(keepPicture));
        this.put([...this.pictures, ...kept.filter(Boolean)]);
    }

    /** @param {any[]} images */
    put(images) {
        this.unit.set({ images });
        this.draw();
    }

    draw() {
        const { pictures } = this;
        this.list.hidden = !pictures.length;
        this.list.replaceChildren(...pictures.map((/** @type {any} */ one, /** @type {number} */ place) => element("li", {},
            element("img", { src: pictureAddress(one), alt: `Picture ${place + 2}`, decoding: "async" }),
            tool("clear", "Take this picture out", () => {
                this.put(pictures.filter((/** @type {any} */ _, /** @type {number} */ other) => other !== place));
                this.add.focus();
            }))));
    }
}

/** Both folders by the unit's field: the label and what is said below it. @type {Record<string, [string, string]>} */
const FOLDERS = {
    batch_folder: ["Batch folder", "Each of its pictures in turn gets a generation of its own; in img2img's batch they are found by name."],
    mask_folder: ["Mask folder", "Masks for the pictures of the batch folder: by their names, or in order where no name is the same."],
};

/** A folder's path. What is written is taken when the program, on this machine, has found pictures there. */
export class Folder {
    /** @param {import("./unit.js").UnitView} unit @param {boolean} here whether folders can be named in this browser @param {string} field of the unit */
    constructor(unit, here, field) {
        this.unit = unit;
        this.field = field;
        const [label, words] = FOLDERS[field];
        this.input = element("input", { type: "text", id: `${unit.id}_${field}`, translate: false, spellcheck: false, autocomplete: "off",
            value: unit.state[field] ?? "", onchange: () => this.name() });
        this.words = element("p", { class: "quiet", "aria-live": "polite" }, words);
        this.element = element("div", { class: "cn-folder", hidden: !here && !unit.state[field] },
            element("label", { htmlFor: this.input.id }, label), this.input, this.words);
    }

    async name() {
        const folder = this.input.value.trim();
        const answer = folder && (await call("webui/extensions/controlnet/folder", { json: { folder, masks: this.field === "mask_folder" } }));
        this.input.setAttribute("aria-invalid", String(Boolean(folder) && !answer));
        if (answer) this.input.value = answer.folder;
        this.words.textContent = answer ? `${answer.pictures} pictures` : "";
        this.unit.set({ [this.field]: answer ? answer.folder : "" });
    }
}
