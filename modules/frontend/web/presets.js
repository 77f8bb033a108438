// @ts-check
// Presets: the fields' values under a name, and what a checkpoint begins with.
import { element, tool } from "./dom.js";
import { call } from "./server.js";
import { put, starts, values } from "./fields.js";
import { say } from "./notices.js";

/** @typedef {{name: string, tab: string, values: Record<string, unknown>, checkpoint: string}} Preset */

/** @type {Preset[]} */
let presets = [];
const shown = new Set();
const PROMPTS = ["prompt", "negative_prompt"];
const ROOM = 246; // pixels that the list and its buttons take, with what parts them from the tabs

/** @param {Preset[] | undefined} list */
function learn(list) {
    if (!list) return;
    presets = list;
    for (const each of shown) each.show();
}

/** @returns {string} the file name of the checkpoint that is chosen */
function checkpoint() {
    const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#setting_sd_model_checkpoint input"));
    return (field?.value ?? "").replace(/ \[[0-9a-f]+\]$/, "");
}

/** `<webui-presets data-tab="txt2img">`: a list to choose from, and buttons to keep and take away. */
class PresetsPart extends HTMLElement {
    connectedCallback() {
        this.tab = this.dataset.tab ?? "txt2img";
        this.classList.add("webui");
        this.select = element("select", { id: `${this.tab}_preset`, "aria-label": "Preset", onchange: () => this.use() });
        this.replaceChildren(this.select,
            tool("save", "Keep the fields as a preset", () => this.ask()),
            tool("clear", "Take the chosen preset away", () => this.remove()));
        shown.add(this);
        this.show();
        this.fit();
        if (shown.size === 1) call("webui/presets").then(learn);
    }

    disconnectedCallback() {
        shown.delete(this);
        this.sight?.disconnect();
    }

    /** Stand in the line of the tabs below where there is room beside them, else in a line above: their names differ by language. */
    fit() {
        const place = document.getElementById(`${this.tab}_presets`);
        const strip = place?.nextElementSibling?.querySelector("[role=tablist]");
        if (!place || !strip) return void requestAnimationFrame(() => this.isConnected && this.fit());
        const look = () => {
            const tabs = [...strip.querySelectorAll("[role=tab]")].reduce((sum, tab) => sum + tab.getBoundingClientRect().width, 0);
            const room = place.getBoundingClientRect().width;
            if (tabs && room) place.classList.toggle("own-line", tabs + ROOM > room);
        };
        this.sight = new ResizeObserver(look);
        for (const each of [place, ...strip.querySelectorAll("[role=tab]")]) this.sight.observe(each);
    }

    show() {
        const select = /** @type {HTMLSelectElement} */ (this.select);
        const before = select.value;
        const mine = presets.filter((preset) => preset.tab === this.tab);
        select.replaceChildren(element("option", { value: "" }, "Presets"), element("option", { value: "*" }, "As at the start"),
            ...mine.map((preset) => element("option", { value: preset.name, translate: false }, preset.checkpoint ? `${preset.name} (${preset.checkpoint})` : preset.name)));
        select.value = mine.some((preset) => preset.name === before) ? before : "";
    }

    use() {
        const name = this.select?.value;
        if (name === "*") {
            const all = starts(this.tab ?? "");
            for (const prompt of PROMPTS) delete all[prompt];
            put(this.tab ?? "", all);
        }
        const preset = presets.find((each) => each.tab === this.tab && each.name === name);
        if (preset) put(preset.tab, preset.values);
    }

    /** Ask for a name and what is kept under it. */
    ask() {
        const name = element("input", { required: true, maxLength: 100, value: this.select?.value.replace("*", "") ?? "" });
        const prompts = element("input", { type: "checkbox" });
        const own = element("input", { type: "checkbox" });
        const dialog = element("dialog", { class: "webui preset-dialog", "aria-label": "Keep the fields as a preset" },
            element("form", { method: "dialog" },
                element("h2", {}, "Keep the fields as a preset"),
                element("label", {}, element("span", {}, "Name"), name),
                element("label", { class: "check" }, prompts, "With the prompts"),
                element("label", { class: "check" }, own, "Begin with it whenever this checkpoint is chosen"),
                element("div", { class: "toolbar" },
                    element("button", { class: "primary", value: "keep" }, "Keep"),
                    element("button", { value: "", formNoValidate: true }, "Cancel"))));
        dialog.addEventListener("close", async () => {
            dialog.remove();
            if (dialog.returnValue !== "keep") return;
            const kept = values(this.tab ?? "");
            if (!prompts.checked) for (const prompt of PROMPTS) delete kept[prompt];
            const json = { name: name.value.trim(), tab: this.tab, values: kept, checkpoint: own.checked ? checkpoint() : "" };
            learn(await call("webui/presets", { json }));
            if (this.select) this.select.value = json.name;
        });
        document.body.append(dialog);
        dialog.showModal();
    }

    async remove() {
        const name = this.select?.value;
        if (!name || name === "*") {
            say("There is no preset chosen.", "Choose the one that is to be taken away.");
            return;
        }
        learn(await call(`webui/presets?tab=${this.tab}&name=${encodeURIComponent(name)}`, { method: "DELETE" }));
    }
}

/** A checkpoint that was chosen brings its presets along. */
export function startPresets() {
    let before = "";
    setInterval(() => {
        const now = checkpoint();
        if (before && now && now !== before) {
            for (const preset of presets) if (preset.checkpoint === now) put(preset.tab, preset.values);
        }
        before = now || before;
    }, 700);
}

customElements.define("webui-presets", PresetsPart);
startPresets();
