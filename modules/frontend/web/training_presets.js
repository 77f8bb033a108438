// @ts-check
// Ways to fill the form at once: presets, which are files to be shared, and the settings that a LoRA was trained with.
import { element, tool } from "./dom.js";
import { say } from "./notices.js";
import { dropPreset, fromLora, keepPreset, presetFile, presets } from "./training_data.js";

/** @typedef {import("./training_data.js").Preset} Preset */

/**
 * A dialog with a form; settles with whether it was confirmed.
 * @param {string} title
 * @param {string} act
 * @param {...(HTMLElement | string)} content
 * @returns {Promise<boolean>}
 */
export function asked(title, act, ...content) {
    const dialog = element("dialog", { class: "webui training-dialog", "aria-label": title },
        element("form", { method: "dialog" }, element("h2", {}, title), ...content,
            element("div", { class: "toolbar" }, element("button", { class: "primary", value: "yes" }, act),
                element("button", { value: "", formNoValidate: true }, "Cancel"))));
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
    }));
}

export class Presets {
    /** @type {Preset[]} */
    known = [];

    /**
     * @param {string[]} loras their names
     * @param {() => any} values what a preset keeps
     * @param {(values: any, from: string, notes?: string[]) => void} take puts values into the form
     */
    constructor(loras, values, take) {
        this.loras = loras;
        this.values = values;
        this.take = take;
        this.select = element("select", { "aria-label": "Preset", id: "training_preset", onchange: () => this.use() });
        this.said = element("p", { class: "quiet training-preset-text", "aria-live": "polite" });
        this.drop = tool("clear", "Take the chosen preset away", () => this.remove());
        this.share = element("a", { class: "tool icon-download", title: "Save the chosen preset as a file",
            "aria-label": "Save the chosen preset as a file", download: "" });
        this.file = element("input", { type: "file", accept: "application/json,.json", hidden: true, onchange: () => this.read() });
        this.element = element("div", { class: "training-presets" },
            element("div", { class: "toolbar" }, this.select, tool("save", "Keep the settings as a preset", () => this.keep()), this.drop,
                this.share,
                tool("training-open", "Open a preset from a file", () => this.file.click()), this.file,
                element("button", { type: "button", onclick: () => this.ofLora() }, "Settings of a LoRA…")),
            this.said);
        this.show();
        presets().then((list) => this.learn(list));
    }

    /** @param {Preset[] | undefined} list @param {string} [chosen] */
    learn(list, chosen = "") {
        if (!list) return;
        this.known = list;
        this.show(chosen);
    }

    /** @param {string} [chosen] */
    show(chosen = "") {
        this.select.replaceChildren(element("option", { value: "" }, "Presets"), element("option", { value: "*" }, "As at the start"),
            ...this.known.map(({ name, bundled }) => element("option", { value: name, translate: bundled ? undefined : false }, name)));
        this.select.value = chosen;
        this.follow();
    }

    /** @returns {Preset | undefined} */
    get chosen() {
        return this.known.find(({ name }) => name === this.select.value);
    }

    follow() {
        const preset = this.chosen;
        this.drop.disabled = !preset || preset.bundled;
        this.share.toggleAttribute("aria-disabled", !preset);
        if (preset) this.share.href = presetFile(preset.name);
        else this.share.removeAttribute("href");
        this.said.textContent = preset?.text ?? "";
        this.said.translate = Boolean(preset?.bundled);
    }

    use() {
        this.follow();
        if (this.select.value === "*") this.take(undefined, "");
        else if (this.chosen) this.take(this.chosen.values, this.chosen.name);
    }

    async keep() {
        const name = element("input", { required: true, maxLength: 100, value: this.chosen && !this.chosen.bundled ? this.chosen.name
            : "" });
        const yes = await asked("Keep the settings as a preset", "Keep", element("label", {}, element("span", {}, "Name"), name),
            element("p", { class: "quiet" },
                "All settings but the name, the folders and the checkpoint are kept. The preset is a file, which can be given to others."));
        if (yes) this.learn(await keepPreset(name.value.trim(), this.values()), name.value.trim());
    }

    async remove() {
        const preset = this.chosen;
        if (preset && await asked("Take the preset away?", "Take it away", element("p", { translate: "no" }, preset.name))) {
            this.learn(await dropPreset(preset.name));
        }
    }

    /** Take in a preset that somebody gave. */
    async read() {
        const [file] = this.file.files;
        this.file.value = "";
        if (!file) return;
        const held = await file.text().then(JSON.parse).catch(() => undefined);
        if (!held || typeof held !== "object") return say(`'${file.name}' is no preset.`, "A preset is a file that was saved here.");
        const name = String(held.name ?? file.name.replace(/\.json$/i, ""));
        this.learn(await keepPreset(name, held.values ?? held, held.text), name);
        this.use();
    }

    async ofLora() {
        if (!this.loras.length) return say("There is no LoRA to read settings from.", "Put one into the folder models/Lora.");
        const list = element("select", { "aria-label": "LoRA", translate: "no" }, ...this.loras
            .map((name) => element("option", { value: name }, name)));
        const yes = await asked("Settings of a LoRA", "Load", element("label", {}, element("span", {}, "LoRA"), list),
            element("p", { class: "quiet" },
                "A LoRA that was trained here, or by kohya's scripts, says how. What its file says is put into the form."));
        const found = yes ? await fromLora(list.value) : undefined;
        if (found) this.take(found.request, list.value, found.notes);
    }
}
