// @ts-check
// The page in Tools, and what happens when another checkpoint is chosen.
import {
    afterwards, call, define, element, formTab, galleryTool, keepPicture, pictureReference, promptBox, say, setPrompt, settings, showTab, showTool, shownPicture,
} from "easel/extension.js";
import { chosenTitle } from "easel/cards_store.js";
import { readDropped } from "easel/prompt.js";
import { info, selected } from "easel/results.js";
import { Frame, cardPicture, presetCards, setCardPicture } from "./pictures.js";
import { hasWord, isInfotext, promptsOf, toggled, withoutModel } from "./words.js";

/** @typedef {{name: string, card: string, pictures: Record<string, string>, hash: string, url: string, default_preset: string, trigger_words: string[], presets: Record<string, string>, suggested: string[], template: string}} Model */

const PLACE = "webui/extensions/model_presets/";
const PATIENCE = 10_000; // milliseconds for a tab to be built
const LOOK = 700; // milliseconds between two looks at the chosen checkpoint
const UNSAVED = "The generation data have changes that are not saved. Leave them?";

/** @param {string} words @param {() => unknown} act @param {Record<string, any>} [more] */
const button = (words, act, more = {}) => element("button", { type: "button", onclick: act, ...more }, words);

/** @param {string} words @param {HTMLElement} field @param {...HTMLElement} beside */
const labelled = (words, field, ...beside) => element("div", { class: "field" }, element("label", {}, element("span", {}, words), field), ...beside);

/** Put an infotext into a form, once that is there. @param {string} text @param {"txt2img" | "img2img" | "inpaint"} target */
async function send(text, target) {
    if (!text.trim()) return say("There are no generation data to send.", "Choose a preset, or take the settings of a picture.");
    const tab = target === "txt2img" ? "txt2img" : "img2img";
    showTab(target);
    const end = performance.now() + PATIENCE;
    while (!promptBox(tab) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
    return put(text, tab);
}

/** Put an infotext, or a text that has prompts only, into a form. @param {string} text @param {"txt2img" | "img2img"} tab */
function put(text, tab) {
    if (isInfotext(text)) return readDropped(text, tab);
    const [prompt, negative] = promptsOf(text);
    setPrompt({ tab }, prompt);
    if (negative) setPrompt({ tab, negative: true }, negative);
    return undefined;
}

class Page extends HTMLElement {
    /** @type {Model | undefined} */
    model;
    /** The text that is kept under the chosen preset. */
    kept = "";
    /** A picture that a new preset gets when it is saved. @type {Blob | undefined} */
    pending;
    /** The last chosen checkpoint that was shown of itself. */
    followed = "";

    connectedCallback() {
        if (this.text) return;
        this.classList.add("webui");
        this.build();
        this.addEventListener("shown", () => (this.looking = this.look()));
        this.looking = this.look();
    }

    build() {
        this.kind = element("select", { onchange: () => this.choose_kind() }, element("option", { value: "checkpoint" }, "Checkpoint"), element("option", { value: "lora" }, "LoRA"));
        this.name = element("select", { onchange: () => this.show_model() });
        this.hash = element("span", { class: "chip hash", translate: false, title: "The first digits of the file's SHA-256" });
        this.url = element("input", { type: "url", maxLength: 2000, placeholder: "https://" });
        this.link = element("a", { target: "_blank", rel: "noopener noreferrer", hidden: true }, "Open the page");
        this.words = element("textarea", { rows: 2, translate: false, placeholder: "word, other word" });
        this.ticks = element("div", { class: "ticks", role: "group", "aria-label": "Trigger words in the generation data" });
        this.text = element("textarea", { rows: 9, translate: false, spellcheck: false, maxLength: 50_000, oninput: afterwards(() => this.tick(), 200) });
        this.presets = element("select", { "aria-label": "Presets", onchange: () => this.choose_preset() });
        this.preset = element("input", { type: "text", maxLength: 200, "aria-label": "Name of the preset", placeholder: "Name of the preset", translate: false });
        this.shared = element("textarea", { rows: 5, translate: false, spellcheck: false });
        this.done = element("p", { class: "quiet", role: "status" });
        this.of_model = new Frame("Picture of the model", (picture) => this.picture_model(picture));
        this.of_preset = new Frame("Picture of the preset", (picture) => this.picture_preset(picture), () => this.picture_preset());
        this.cards = element("div", { class: "preset-cards", role: "group", "aria-label": "Presets with a picture" });
        this.reveals = [button("Show in folder", () => this.reveal("model"), { hidden: true }),
            button("Show the file of the presets", () => this.reveal("presets"), { hidden: true })];
        this.append(
            element("div", { class: "side" },
                element("div", { class: "field" }, element("label", {}, element("span", {}, "Kind"), this.kind)),
                labelled("Model", this.name, this.hash, this.reveals[0]),
                this.of_model.whole,
                labelled("Address of its page", this.url, this.link),
                labelled("Trigger words", this.words),
                element("div", { class: "toolbar" }, button("Save address and words", () => this.save_details())),
                this.ticks,
                element("details", {}, element("summary", {}, "Share"), labelled("Sharing text", this.shared), element("div", { class: "toolbar" },
                    button("Get the sharing text", () => this.share()), button("Import the sharing text", () => this.take_in()), this.reveals[1]))),
            element("div", { class: "main" },
                labelled("Presets", this.presets),
                this.cards,
                labelled("Generation data", this.text),
                element("div", { class: "toolbar" }, button("Take the settings of the shown picture", () => this.take_shown()), button("Append the template", () => this.append_template())),
                this.of_preset.whole,
                element("div", { class: "toolbar" }, this.preset, button("Save", () => this.save(), { class: "primary" }), button("Rename", () => this.rename()),
                    button("Set as default", () => this.prefer()), button("Delete", () => this.remove_preset())),
                element("div", { class: "toolbar" }, button("Send to txt2img", () => send(this.text.value, "txt2img")),
                    button("Send to img2img", () => send(this.text.value, "img2img")), button("Send to inpaint", () => send(this.text.value, "inpaint"))),
                this.done));
    }

    /** Say what was done, for a moment. @param {string} words */
    note(words) {
        this.done.textContent = words;
        clearTimeout(this.waiting);
        this.waiting = window.setTimeout(() => this.done.replaceChildren(), 4000);
    }

    get target() {
        return { kind: this.kind.value, name: this.name.value };
    }

    /** Whether what was typed may be left. */
    left() {
        return this.text.value === this.kept || window.confirm(UNSAVED);
    }

    /** Bring the lists up to date; another checkpoint that was chosen meanwhile is shown. */
    async look() {
        const answer = await call(`${PLACE}models`);
        if (!answer) return;
        this.models = answer.models;
        for (const each of this.reveals) each.hidden = !answer.here;
        const changed = answer.chosen !== this.followed && this.kind.value === "checkpoint" && (!this.model || this.text.value === this.kept);
        this.fill(changed ? answer.chosen : this.name.value);
        if (changed) this.followed = answer.chosen;
        if (!this.model || changed) await this.show_model(true);
    }

    /** The models of the kind. @param {string} wanted */
    fill(wanted) {
        const names = this.models[this.kind.value] ?? [];
        this.name.replaceChildren(...names.map((/** @type {string} */ name) => element("option", { value: name, translate: false }, name)));
        if (!names.length) this.name.append(element("option", { value: "" }, "There are none yet"));
        this.name.value = names.includes(wanted) ? wanted : names[0] ?? "";
    }

    async choose_kind() {
        if (!this.left()) return void (this.kind.value = this.shown?.kind);
        this.fill(this.kind.value === "checkpoint" ? this.followed : "");
        await this.show_model(true);
    }

    /** @param {boolean} [asked] whether a person was asked about unsaved changes */
    async show_model(asked = false) {
        if (!asked && !this.left()) return void (this.name.value = this.shown?.name);
        const { kind, name } = this.target;
        this.shown = this.target;
        const model = name ? await call(`${PLACE}model?kind=${kind}&name=${encodeURIComponent(name)}`) : undefined;
        if (this.target.name === name && this.target.kind === kind) this.take(model, model?.default_preset, true);
    }

    /** Show a model as the program answered. @param {Model | undefined} model @param {string} [preset] the one to choose @param {boolean} [fresh] all fields are filled anew */
    take(model, preset = "", fresh = false) {
        this.model = model;
        this.hash.textContent = model?.hash ?? "";
        this.hash.hidden = !model;
        this.link.hidden = !model?.url;
        this.link.href = model?.url || "#";
        if (fresh) {
            this.url.value = model?.url ?? "";
            this.words.value = (model?.trigger_words ?? []).join(", ");
        }
        const names = Object.keys(model?.presets ?? {});
        this.presets.replaceChildren(element("option", { value: "" }, names.length ? "New preset" : "No presets yet"),
            ...names.map((name) => element("option", { value: name, translate: false }, name === model?.default_preset ? `★ ${name}` : name)));
        this.presets.value = names.includes(preset) ? preset : "";
        this.kept = model?.presets[this.presets.value] ?? "";
        if (fresh || this.presets.value) this.text.value = this.kept;
        this.preset.value = this.presets.value;
        this.before = this.presets.value;
        this.pending = undefined;
        this.tick();
        this.draw_pictures();
        if (fresh) void this.draw_card();
    }

    /** The address of a preset's picture; empty if it has none. @param {string} preset */
    address(preset) {
        const version = this.model?.pictures[preset];
        const { kind, name } = this.shown ?? this.target;
        return version ? `${PLACE}picture?kind=${kind}&name=${encodeURIComponent(name)}&preset=${encodeURIComponent(preset)}&v=${version}` : "";
    }

    /** Show the presets that have pictures, and the picture of the chosen one, or the one that a new one gets. */
    draw_pictures() {
        const with_one = Object.keys(this.model?.presets ?? {}).filter((preset) => this.model?.pictures[preset]);
        const at = /** @type {HTMLElement | null} */ (this.cards.querySelector(":focus"))?.dataset.preset;
        this.cards.replaceChildren(...presetCards(Object.fromEntries(with_one.map((preset) => [preset, this.address(preset)])), this.presets.value,
            this.model?.default_preset ?? "", (preset) => ((this.presets.value = preset), this.choose_preset())));
        if (at !== undefined) [...this.cards.children].find((/** @type {any} */ card) => card.dataset.preset === at)?.focus();
        URL.revokeObjectURL(this.lent);
        this.lent = this.pending ? URL.createObjectURL(this.pending) : "";
        this.of_preset.show(this.lent || this.address(this.presets.value), this.presets.value || "+");
    }

    /** Show what stands on the model's card. */
    async draw_card() {
        const { model, shown } = this;
        const address = model ? await cardPicture(shown.kind, model.card) : "";
        if (this.model === model) this.of_model.show(address, model?.name ?? "");
    }

    /** @param {Blob} picture */
    async picture_model(picture) {
        if (!this.model) return say("There is no model chosen.");
        if (await setCardPicture(this.shown.kind, this.model.card, picture)) await this.draw_card();
        return undefined;
    }

    /** The chosen preset gets another picture at once, or none; a new one when it is saved. @param {Blob} [picture] */
    async picture_preset(picture) {
        if (!this.presets.value) {
            this.pending = picture;
            return this.draw_pictures();
        }
        const kept = picture && (await keepPicture(picture));
        if (picture && !kept) return undefined;
        const model = await this.change("picture", { preset: this.presets.value, picture: pictureReference(kept) });
        if (model) this.model = model;
        return this.draw_pictures();
    }

    /** Show a file in this machine's file manager, or say where it is. @param {"model" | "presets"} what */
    async reveal(what) {
        const answer = await this.change("show", { what });
        if (answer && !answer.shown) say("There is no file manager here. The file is:", answer.path);
    }

    /** Take a picture of the results as a new preset of the model that made it. @param {string} text its infotext @param {Blob | undefined} picture */
    async receive(text, picture) {
        await this.looking;
        if (!this.left()) return;
        const digits = /(?:^|, )Model hash: ([0-9a-f]{8,64})/.exec(text.split("\n").pop() ?? "")?.[1];
        const found = digits ? await call(`${PLACE}named?digits=${digits}`) : undefined;
        if (found?.name && (this.kind.value !== "checkpoint" || this.name.value !== found.name)) {
            this.kind.value = "checkpoint";
            this.fill(found.name);
            await this.show_model(true);
        }
        this.take(this.model, "");
        this.text.value = text;
        this.pending = picture;
        this.tick();
        this.draw_pictures();
        this.preset.focus();
        this.note("Write a name and save it.");
    }

    choose_preset() {
        if (!this.left()) return void (this.presets.value = this.before);
        this.before = this.preset.value = this.presets.value;
        this.text.value = this.kept = this.model?.presets[this.presets.value] ?? "";
        this.pending = undefined;
        this.tick();
        this.draw_pictures();
    }

    /** Show which words stand in the generation data. */
    tick() {
        const own = this.model?.trigger_words ?? [];
        const words = [...own, ...(this.model?.suggested ?? []).filter((word) => !own.includes(word))];
        const had = /** @type {HTMLInputElement | null} */ (this.ticks.querySelector("input:focus"))?.value;
        this.ticks.replaceChildren(...words.map((word) => element("label", { class: "tick", dataset: { own: own.includes(word) }, translate: false },
            element("input", { type: "checkbox", value: word, checked: hasWord(this.text.value, word), onchange: () => this.toggle(word) }), word)));
        if (had) [...this.ticks.querySelectorAll("input")].find((each) => each.value === had)?.focus();
    }

    /** @param {string} word */
    toggle(word) {
        this.text.value = toggled(this.text.value, word);
        this.tick();
    }

    /** Ask for a change; the answer is the model. @param {string} path @param {Record<string, any>} json */
    async change(path, json) {
        return call(`${PLACE}${path}`, { json: { ...this.shown, ...json } });
    }

    async save_details() {
        const trigger_words = this.words.value.split(/[,\uff0c\n]/).map((/** @type {string} */ word) => word.trim()).filter(Boolean);
        const model = await this.change("details", { url: this.url.value, trigger_words });
        if (!model) return;
        const typed = this.text.value;
        this.take(model, this.presets.value, true);
        this.text.value = typed;
        this.tick();
        this.note("Saved.");
    }

    async save() {
        const preset = this.preset.value.trim();
        const other = preset !== this.presets.value && this.model?.presets[preset] !== undefined;
        if (other && !window.confirm("There is a preset of this name. Replace it?")) return;
        const kept = this.pending && (await keepPicture(this.pending));
        if (this.pending && !kept) return;
        const model = await this.change("preset", { preset, text: this.text.value, picture: pictureReference(kept),
            replace: other || preset === this.presets.value });
        if (!model) return;
        this.take(model, preset);
        this.note("Saved.");
    }

    /** The chosen preset; says so if there is none. */
    chosen() {
        if (!this.presets.value) say("There is no preset chosen.", "Choose one in the list, or save one first.");
        return this.presets.value;
    }

    async rename() {
        const preset = this.chosen();
        const typed = this.text.value;
        const model = preset && (await this.change("rename", { preset, to: this.preset.value }));
        if (!model) return;
        this.take(model, this.preset.value.trim());
        this.text.value = typed;
    }

    async prefer() {
        const preset = this.chosen();
        const typed = this.text.value;
        const model = preset && (await this.change("default", { preset }));
        if (!model) return;
        this.take(model, preset);
        this.text.value = typed;
    }

    async remove_preset() {
        const preset = this.chosen();
        if (!preset || !window.confirm("Delete this preset?")) return;
        const model = await this.change("delete", { preset });
        if (!model) return;
        this.kept = this.text.value; // it stays to be seen, and is not asked about
        this.take(model, "");
        this.kept = this.text.value;
    }

    take_shown() {
        const tab = formTab();
        const text = info(tab).infotexts?.[selected(tab)];
        if (!text) return say("There is no picture shown.", "Generate one first.");
        this.text.value = text;
        return this.tick();
    }

    /** Lines to be filled in, behind what is there. */
    append_template() {
        if (!this.model) return say("There is no model chosen.");
        const { template } = this.model;
        this.text.value = this.text.value ? `${this.text.value}\n${template}` : template;
        return this.tick();
    }

    async share() {
        const { kind, name } = this.shown ?? this.target;
        const answer = await call(`${PLACE}sharing?kind=${kind}&name=${encodeURIComponent(name)}`);
        if (!answer) return;
        this.shared.value = answer.text;
        this.shared.select();
    }

    async take_in() {
        if (!this.left()) return;
        const model = await this.change("import", { text: this.shared.value });
        if (!model) return;
        this.take(model, model.default_preset, true);
        this.note("Imported.");
    }
}

/** Put the default preset of a checkpoint that was just chosen into the form. */
function follow() {
    let before = "";
    setInterval(async () => {
        const now = chosenTitle().replace(/ \[[0-9a-f]+\]$/, "");
        const changed = before && now && now !== before;
        before = now || before;
        if (!changed || !(await settings()).model_presets_apply_default) return;
        const preset = await call(`${PLACE}default?name=${encodeURIComponent(now)}`);
        if (preset?.text) put(withoutModel(preset.text), formTab());
    }, LOOK);
}

/** Take the shown picture of a form's results to the page. @param {"txt2img" | "img2img"} tab */
async function collect(tab) {
    const text = info(tab).infotexts?.[selected(tab)];
    if (!text) return say("There is no picture shown.", "Generate one first.");
    const picture = await shownPicture(tab);
    const page = await showTool("model_presets");
    return page?.receive?.(text, picture);
}

define("easel-model-presets", Page);
follow();
galleryTool("model-presets", "Send to model presets", collect, "send_to_model_presets");
