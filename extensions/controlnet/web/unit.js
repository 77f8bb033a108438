// @ts-check
// One unit: its picture with a mask and the preview beside it, what is made of it, by which model, and how strongly it counts.
import { OptionsForm, element, putValues, say, shownPicture, tool } from "easel/extension.js";
import { choices } from "./choices.js";
import { Preview } from "./preview.js";
import { Folder, Several } from "./several.js";

/** @typedef {import("./choices.js").Choices} Choices */
/** @typedef {Record<string, any>} State a unit's fields, and the page's own "type" and "preview" */

const RESOLUTION = 512; // where none was chosen yet
const MODES = ["control_mode", "resize_mode", "hr_option"];
const STRENGTHS = ["weight", "guidance_start", "guidance_end"];
const LARGEST = 2048; // of the form's size
const NONE = "None";

export class UnitView {
    /** @param {{tab: string, number: number, state: State, fields: any[], models: string[], changed: () => void}} how */
    constructor({ tab, number, state, fields, models, changed }) {
        Object.assign(this, { tab, number, state, models, changed });
        this.tab = tab;
        this.state = state;
        this.changed = changed;
        this.id = `${tab}_controlnet_${number}`;
        this.fields = new Map(fields.map((field) => [field.name, field]));
        /** @type {Choices | undefined} */
        this.choices = undefined;
        this.form = element("div", { class: "cn-form" });
        this.preview = new Preview(this);
        this.element = element("div", { class: "cn-unit", id: this.id }, this.pictures(), this.switches(), this.form);
        this.fill();
    }

    /** @param {Record<string, any>} values */
    set(values) {
        Object.assign(this.state, values);
        this.changed();
    }

    get problems() {
        return [...(this.strengths?.problems ?? []), ...(this.sliders?.problems ?? [])];
    }

    /** The picture, what can be done with it, and the preview. */
    pictures() {
        const field = /** @type {any} */ (element("webui-picture-field", { name: "Picture to follow" }));
        field.setAttribute("name", "Picture to follow");
        field.maskable = true;
        field.value = this.state.image;
        field.mask = this.state.mask;
        field.addEventListener("change", (/** @type {Event} */ event) => {
            event.stopPropagation();
            this.set({ image: field.value, mask: field.mask });
            this.note.hidden = this.tab !== "img2img" || Boolean(field.value);
            this.preview.show();
        });
        this.picture = field;
        this.note = element("p", { class: "quiet", hidden: this.tab !== "img2img" || Boolean(this.state.image) },
            "Without a picture here, the one of img2img is used.");
        this.several = new Several(this);
        const tools = element("div", { class: "cn-tools" }, this.several.add,
            tool("picture", "Take the last result", () => this.takeResult()),
            tool("measure", "Send its size to the form", () => this.sendSize()), this.note);
        return element("div", { class: "cn-pictures" }, element("div", { class: "cn-side" }, field, this.several.element, tools),
            this.preview.element);
    }

    async takeResult() {
        const file = await shownPicture(/** @type {any} */ (this.tab));
        if (file) await this.picture.take(file);
        else say("There is no result yet.", "Generate a picture first.");
    }

    sendSize() {
        const shown = this.picture.querySelector("img");
        if (!shown?.naturalWidth) {
            say("There is no picture to measure.");
            return;
        }
        const scale = Math.min(1, LARGEST / Math.max(shown.naturalWidth, shown.naturalHeight));
        const fit = (/** @type {number} */ side) => Math.max(64, Math.round((side * scale) / 8) * 8);
        putValues(/** @type {any} */ (this.tab), { width: fit(shown.naturalWidth), height: fit(shown.naturalHeight) });
    }

    /** What is on or off. */
    switches() {
        const rows = [["enabled", "Enable"], ["low_vram", "Low VRAM"], ["pixel_perfect", "Pixel Perfect"], ["preview", "Allow Preview"]];
        const boxes = rows.filter(([name]) => name === "preview" || this.fields.has(name)).map(([name, words]) => {
            const box = element("input", { type: "checkbox", id: `${this.id}_${name}`, checked: Boolean(this.state[name]), onchange: () => {
                this.set({ [name]: box.checked });
                if (name === "preview") this.preview.show();
                if (name === "pixel_perfect") this.offerSliders();
            } });
            if (name === "preview") this.previewBox = box;
            return element("label", { title: this.fields.get(name)?.help }, box, element("span", {}, words));
        });
        return element("div", { class: "cn-switches" }, ...boxes);
    }

    /** Ask what there is to choose, and show the rest. @param {{again?: boolean}} [how] */
    async fill(how) {
        const found = await choices(how);
        if (!found) return;
        this.choices = found;
        if (!this.state.type) this.begin();
        this.form.replaceChildren(this.types(), this.chosen(), this.strengthsForm(), this.slidersPlace(), ...this.modes(), this.more());
    }

    /** A fresh unit follows edges where there is a model for that. */
    begin() {
        const canny = this.typeOf("Canny");
        const ready = canny && canny.default_model !== NONE && this.state.module === "none" && (this.state.model || NONE) === NONE;
        this.state.type = ready ? canny.name : "All";
        if (ready) Object.assign(this.state, { module: canny.default_option, model: canny.default_model });
    }

    /** @param {string} name */
    typeOf(name) {
        return this.choices?.types.find((one) => one.name === name);
    }

    /** The buttons of the control types. */
    types() {
        return this.radios("type", "Control Type", (this.choices?.types ?? []).map(({ name }) => name), (name) => {
            const kind = this.typeOf(name);
            if (kind && name !== "All") Object.assign(this.state, { module: kind.default_option, model: kind.default_model });
            this.set({ type: name, threshold_a: -1, threshold_b: -1 });
            this.offerChoices();
            this.offerSliders();
        });
    }

    /** One of a few, as buttons in a row. @param {string} name @param {string} words @param {string[]} values @param {(value: string) => void} chosen */
    radios(name, words, values, chosen) {
        const input = (/** @type {string} */ value) => element("input", { type: "radio", class: "cn-radio", name: `${this.id}_${name}`, value,
            checked: this.state[name] === value, onchange: () => chosen(value) });
        return element("fieldset", { class: `cn-radios cn-${name}`, id: `${this.id}_${name}` }, element("legend", {}, words),
            element("div", {}, ...values.map((value) => element("label", {}, input(value), element("span", { class: "cn-word" }, value)))));
    }

    /** Preprocessor and model. */
    chosen() {
        this.modules = element("select", { id: `${this.id}_module`, translate: false, onchange: () => {
            this.set({ module: this.modules.value, threshold_a: -1, threshold_b: -1 });
            this.offerSliders();
        } });
        this.modelList = element("select", { id: `${this.id}_model`, translate: false, onchange: () => {
            this.set({ model: this.modelList.value });
            this.tell();
        } });
        const run = tool("cn-run", "Run the preprocessor", () => this.preview.run(), { id: `${this.id}_run` });
        const look = tool("refresh", "Look for files again", () => this.fill({ again: true }));
        this.needless = element("p", { class: "quiet" }, "This preprocessor does its work without a model.");
        this.missing = element("p", { class: "quiet" }, "No model is there for this control type; its files go into models/ControlNet.");
        this.rough = element("p", { class: "quiet" }, "Without a model it is followed approximately, in the first steps only.");
        this.offerChoices();
        return element("div", { class: "cn-choose" },
            element("div", {}, element("label", { htmlFor: this.modules.id }, "Preprocessor"), element("div", {}, this.modules, run)),
            element("div", {}, element("label", { htmlFor: this.modelList.id }, "Model"), element("div", {}, this.modelList, look), this.needless, this.missing, this.rough));
    }

    /** The preprocessors and models of the control type; what is chosen is always among them. */
    offerChoices() {
        const { state } = this;
        const kind = this.typeOf(state.type) ?? this.typeOf("All");
        if (!kind || !this.choices) return;
        const titles = new Map(this.choices.preprocessors.map(({ name, title }) => [name, title]));
        const option = (/** @type {string} */ value, /** @type {string} */ words, /** @type {string} */ chosen) =>
            element("option", { value, selected: value === chosen }, words);
        const among = (/** @type {string[]} */ list, /** @type {string} */ one) => (!one || list.includes(one) ? list : [one, ...list]);
        this.modules.replaceChildren(...among(kind.module_list, state.module).map((name) => option(name, titles.get(name) ?? name, state.module)));
        const model = state.model || NONE;
        this.modelList.replaceChildren(...among(kind.model_list, model).map((name) => option(name, name, model)));
        this.tell();
    }

    /** Say why there is no model where there is none. */
    tell() {
        const free = Boolean(this.preprocessor?.model_free);
        this.preview.show(); // some can be edited
        this.several.add.hidden = Boolean(this.preprocessor?.post); // such a preprocessor looks at one picture
        this.needless.hidden = !free;
        this.rough.hidden = !this.preprocessor?.approximate || (this.state.model || NONE) !== NONE;
        this.missing.hidden = free || (this.typeOf(this.state.type) ?? { model_list: [] }).model_list.length > 1;
    }

    get preprocessor() {
        return this.choices?.preprocessors.find(({ name }) => name === this.state.module);
    }

    /** How strongly the unit counts, and when. */
    strengthsForm() {
        const fields = STRENGTHS.filter((name) => this.fields.has(name)).map((name) => this.fields.get(name));
        this.strengths = new OptionsForm(fields, { id: ({ name }) => `${this.id}_${name}`,
            values: Object.fromEntries(fields.map(({ name }) => [name, this.state[name]])) });
        this.strengths.onchange = () => this.set(this.strengths?.values ?? {});
        this.strengths.element.classList.add("cn-sliders");
        return this.strengths.element;
    }

    slidersPlace() {
        this.place = element("div", {});
        this.offerSliders();
        return this.place;
    }

    /** The sliders of the preprocessor, with its own words and bounds. */
    offerSliders() {
        if (!this.place) return;
        this.tell();
        const one = this.preprocessor;
        const fields = [
            one?.resolution && !this.state.pixel_perfect && { name: "processor_res", label: "Resolution", control: "slider", help: "",
                least: 64, most: 2048, step: 8, value: RESOLUTION, key: "", local: false, whole: true },
            ...["threshold_a", "threshold_b"].map((name, place) => {
                const slider = one?.sliders[place];
                return slider && { ...slider, name, control: "slider", help: "", key: "", local: false };
            }),
        ].filter(Boolean);
        const values = Object.fromEntries(fields.map(({ name, least, value }) => [name, this.state[name] >= least ? this.state[name] : value]));
        this.sliders = new OptionsForm(fields, { id: ({ name }) => `${this.id}_${name}`, values });
        this.sliders.onchange = () => this.set(this.sliders?.values ?? {});
        this.sliders.element.classList.add("cn-sliders");
        this.place.replaceChildren(this.sliders.element);
    }

    /** Who counts more, how the hint is fitted, in which pass it acts. */
    modes() {
        return MODES.filter((name) => this.fields.has(name) && (name !== "hr_option" || this.tab === "txt2img")).map((name) => {
            const { label, choices: values } = this.fields.get(name);
            return this.radios(name, label, values, (value) => this.set({ [name]: value }));
        });
    }

    /** What few units need. */
    more() {
        const union = this.fields.get("union_control_type");
        const area = /** @type {any} */ (element("webui-picture-field", {}));
        area.setAttribute("name", "Effective region");
        area.value = this.state.effective_region_mask;
        area.addEventListener("change", (/** @type {Event} */ event) => {
            event.stopPropagation();
            this.set({ effective_region_mask: area.value });
        });
        const rare = ["weight_type", "composition_weight", "loopback"].map((name) => this.fields.get(name));
        const forms = new OptionsForm([union, ...rare].filter(Boolean), { id: ({ name }) => `${this.id}_${name}`, values: Object.fromEntries(Object.entries(this.state).filter(([, value]) => value != null)) });
        forms.onchange = () => this.set(forms.values);
        return element("details", { class: "cn-more" }, element("summary", {}, "More"),
            element("div", {}, this.fields.has("effective_region_mask") && element("div", {},
                element("p", { class: "quiet" }, "Effective region: a mask, white where the unit acts"), area),
            ...["batch_folder", "mask_folder"].filter((name) => this.fields.has(name))
                .map((name) => new Folder(this, Boolean(this.choices?.here), name).element), forms.element));
    }
}
