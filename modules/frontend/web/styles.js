// @ts-check
// <webui-styles>: the styles editor, a dialog that the brush beside a form's styles opens. It writes A1111's styles.csv, by the
// server's routes.
import { afterwards, element, tool } from "./dom.js";
import { box, replace } from "./prompt.js";
import { call } from "./server.js";

/** @typedef {{name: string, prompt: string, negative_prompt: string, file: number, at?: number, counts?: boolean}} Style */

const PREVIEW_PAUSE = 150; // milliseconds without typing before the preview is asked for
const NEW = "";
const OUT_OF_FORCE = "A later file has a style of the same name, which is the one that is used.";

/** @param {Style} style @returns {string} what tells one row from all others */
const keyOf = (style) => `${style.file}/${style.name}`;

class Styles extends HTMLElement {
    /** @type {Style[]} */
    styles = [];
    /** @type {{name: string, problem: string}[]} */
    files = [];
    /** The chosen row; NEW: one that is not there yet. */
    chosen = NEW;
    /** What was typed and not saved, by row: choosing another one loses nothing. @type {Map<string, Style>} */
    drafts = new Map();
    tab = "txt2img";

    connectedCallback() {
        this.open = (/** @type {MouseEvent} */ event) => {
            const button = event.target instanceof Element ? event.target.closest("[id$=_styles_edit_button]") : null;
            if (button) this.show(button.id.replace("_styles_edit_button", ""));
        };
        document.addEventListener("click", this.open);
    }

    disconnectedCallback() {
        document.removeEventListener("click", /** @type {any} */ (this.open));
    }

    /** Open the dialog for a form. @param {string} tab */
    async show(tab) {
        this.tab = tab;
        if (!this.dialog) this.build();
        this.name_controls();
        this.dialog.showModal();
        await this.load();
        this.search.focus();
    }

    build() {
        const words = "Search styles";
        this.search = element("input", { type: "search", placeholder: words, "aria-label": words, oninput: () => this.list() });
        this.rows = element("div", {
            class: "styles-rows", role: "listbox", "aria-label": "Styles",
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.keys(event),
        });
        this.name = element("input", { type: "text", maxLength: 500, spellcheck: false, oninput: () => this.typed() });
        this.place = element("select", { onchange: () => this.typed() });
        this.prompt = element("textarea", { rows: 3, spellcheck: false, oninput: () => this.typed() });
        this.negative = element("textarea", { rows: 2, spellcheck: false, oninput: () => this.typed() });
        this.seen = element("div", { class: "styles-seen", "aria-live": "polite" });
        this.bar = element("div", { class: "styles-bar", role: "status" });
        this.refresh = tool("refresh", "Read the styles files again", () => this.load());
        this.copy = element("button", { type: "button", onclick: () => this.take() }, "Take over the current prompt");
        this.put = element("button", { type: "button", onclick: () => this.insert() }, "Put into the prompt");
        this.apply = element("button", { type: "button", onclick: () => this.materialise() }, "Put all selected styles into the prompt");
        this.save = element("button", { type: "button", class: "primary", onclick: () => this.write() }, "Save");
        this.remove = element("button", { type: "button", onclick: () => this.delete() }, "Delete");
        this.close = element("button", { type: "button", onclick: () => this.dialog.close() }, "Close");
        for (const field of [this.name, this.prompt, this.negative, this.place]) field.translate = false;
        this.place_row = label("File", this.place);
        const side = element("div", { class: "styles-side" },
            element("div", { class: "toolbar" }, this.search, this.refresh),
            element("button", { type: "button", class: "styles-new", onclick: () => this.choose(NEW, true) }, "New style"), this.rows);
        const submitted = (/** @type {Event} */ event) => {
            event.preventDefault();
            this.write();
        };
        const form = element("form", { class: "styles-form", onsubmit: submitted },
            label("Name", this.name), this.place_row, label("Prompt", this.prompt), label("Negative prompt", this.negative),
            element("p", { class: "quiet" }, "{prompt} stands for what is in the prompt; without it the style is added behind it."),
            element("div", { class: "toolbar" }, this.copy, this.put, this.apply),
            element("section", {}, element("h3", {}, "With the current prompt"), this.seen));
        this.dialog = element("dialog", { class: "webui styles-dialog", "aria-label": "Styles" },
            element("div", { class: "styles-head" }, element("h2", {}, "Styles"), this.bar),
            element("div", { class: "styles-columns" }, side, form),
            element("div", { class: "toolbar styles-foot" }, this.remove, element("span", { class: "grow" }), this.close, this.save));
        this.dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.shortcuts(event));
        document.body.append(this.dialog);
    }

    /** The controls have A1111's ids, which name the form. */
    name_controls() {
        const { tab } = this;
        this.dialog.id = `${tab}_styles_dialog`;
        const ids = {
            styles_edit_select: this.rows, edit_style_prompt: this.prompt, edit_style_neg_prompt: this.negative, style_copy: this.copy,
            style_apply_dialog: this.apply, edit_style_save: this.save, edit_style_delete: this.remove, edit_style_close: this.close,
        };
        for (const [id, control] of Object.entries(ids)) control.id = `${tab}_${id}`;
        this.refresh.id = `refresh_${tab}_styles`;
    }

    async load() {
        const answer = await call("webui/styles");
        if (!answer) return;
        this.files = answer.files;
        this.styles = answer.styles;
        this.place.replaceChildren(...this.files.map((file, number) =>
            element("option", { value: number, disabled: Boolean(file.problem) }, file.name)));
        this.place_row.hidden = this.files.length < 2;
        const problem = this.files.find((file) => file.problem)?.problem;
        if (problem) this.say(problem);
        if (this.chosen !== NEW && !this.row()) this.chosen = NEW;
        if (this.chosen === NEW && !this.drafts.has(NEW) && this.styles.length) this.chosen = keyOf(this.styles[0]);
        this.choose(this.chosen);
    }

    /** @returns {Style | undefined} the chosen row as the file has it */
    row() {
        return this.styles.find((style) => keyOf(style) === this.chosen);
    }

    /** @returns {Style} what the fields say */
    typing() {
        const [name, prompt, negative_prompt] = [this.name, this.prompt, this.negative].map((field) => field.value);
        return { name, prompt, negative_prompt, file: Number(this.place.value || 0) };
    }

    /** Show a row in the fields. @param {string} key @param {boolean} [edit] go on to its name */
    choose(key, edit = false) {
        this.chosen = key;
        const style = this.drafts.get(key) ?? this.row() ?? { name: "", prompt: "", negative_prompt: "", file: 0 };
        this.name.value = style.name;
        this.prompt.value = style.prompt;
        this.negative.value = style.negative_prompt;
        this.place.value = String(style.file);
        this.place.disabled = key !== NEW;
        this.list();
        this.look();
        if (edit) this.name.focus();
    }

    /** Keep what is typed until it is saved. */
    typed() {
        const now = this.typing();
        const before = this.row() ?? { name: "", prompt: "", negative_prompt: "" };
        const same = now.name === before.name && now.prompt === before.prompt && now.negative_prompt === before.negative_prompt;
        const known = this.drafts.has(this.chosen);
        if (same) this.drafts.delete(this.chosen);
        else this.drafts.set(this.chosen, now);
        if (known === same) this.list();
        this.buttons();
        this.look_soon();
    }

    /** The list on the left: the styles of each file that the search finds. */
    list() {
        const wanted = this.search.value.trim().toLowerCase();
        const focused = this.rows.contains(document.activeElement);
        const found = this.styles.filter((style) =>
            [style.name, style.prompt, style.negative_prompt].some((text) => text.toLowerCase().includes(wanted)));
        const children = [];
        for (const [number, file] of this.files.entries()) {
            const own = found.filter((style) => style.file === number);
            if (this.files.length > 1) children.push(element("h3", { translate: false }, file.name));
            if (file.problem) children.push(element("p", { class: "wrong" }, file.problem));
            children.push(...own.map((style) => this.option(style)));
        }
        if (!found.length) children.push(element("p", { class: "empty" }, wanted ? "No style has these words." : "There is no style yet."));
        this.rows.replaceChildren(...children);
        const options = /** @type {HTMLElement[]} */ ([...this.rows.querySelectorAll("[role=option]")]);
        const first = options.find((each) => each.getAttribute("aria-selected") === "true") ?? options[0];
        first?.setAttribute("tabindex", "0");
        if (focused) first?.focus(); // the one that had the focus is another element now
        this.buttons();
    }

    /** @param {Style} style */
    option(style) {
        const key = keyOf(style);
        const look = { type: "button", class: "plain", role: "option", tabIndex: -1, dataset: { key } };
        return element("button", { ...look, "aria-selected": String(key === this.chosen), onclick: () => this.choose(key) },
            element("span", { translate: false }, style.name),
            this.drafts.has(key) && element("small", { class: "quiet" }, "changed"),
            style.counts === false && element("small", { class: "quiet", title: OUT_OF_FORCE }, "not used"));
    }

    /** @param {KeyboardEvent} event */
    keys(event) {
        const options = /** @type {HTMLElement[]} */ ([...this.rows.querySelectorAll("[role=option]")]);
        const at = options.indexOf(/** @type {HTMLElement} */ (document.activeElement));
        const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: options.length - 1 }[event.key];
        if (event.key === "Delete" && at >= 0) this.delete();
        if (to === undefined || !options[to]) return;
        event.preventDefault();
        this.choose(options[to].dataset.key ?? NEW);
    }

    /** @param {KeyboardEvent} event */
    shortcuts(event) {
        event.stopPropagation(); // the page's own keys, such as Ctrl+Enter, mean the form behind
        if ((event.ctrlKey || event.metaKey) && (event.key === "s" || event.key === "Enter")) {
            event.preventDefault();
            this.write();
        }
    }

    buttons() {
        this.save.disabled = !this.name.value.trim() || !this.drafts.has(this.chosen);
        this.remove.disabled = this.chosen === NEW;
        this.copy.disabled = !box(`${this.tab}_prompt`);
        this.put.disabled = this.apply.disabled = this.copy.disabled;
    }

    /** Write what is typed: a new style, changed texts, another name. */
    async write() {
        if (this.save.disabled) return;
        const before = this.row();
        const key = this.chosen;
        const saved = await call("webui/styles", { json: { ...this.typing(), before: before?.name } });
        if (!saved) return;
        this.drafts.delete(key);
        this.chosen = keyOf(saved);
        this.say(`Saved '${saved.name}'`, before
            ? () => call("webui/styles", { json: { ...before, before: saved.name } })
            : () => call("webui/styles/delete", { json: { name: saved.name, file: saved.file } }));
        await this.changed();
    }

    async delete() {
        const style = this.row();
        if (!style) return;
        const gone = await call("webui/styles/delete", { json: { name: style.name, file: style.file } });
        if (!gone) return;
        const place = this.styles.indexOf(style);
        this.drafts.delete(this.chosen);
        const next = this.styles[place + 1] ?? this.styles[place - 1];
        this.chosen = next ? keyOf(next) : NEW;
        this.say(`Deleted '${gone.name}'`, () => call("webui/styles", { json: gone }));
        await this.changed();
    }

    /** The forms' lists hear of it. */
    async changed() {
        await this.load();
        document.dispatchEvent(new CustomEvent("webui-styles-changed"));
    }

    /** What was done, and a way back. @param {string} words @param {() => Promise<any>} [undo] */
    say(words, undo) {
        const back = undo && element("button", {
            type: "button", onclick: async () => {
                const style = await undo();
                if (style === undefined) return;
                this.bar.replaceChildren();
                if (style?.name && this.files.length) this.chosen = keyOf(style);
                await this.changed();
            },
        }, "Undo");
        this.bar.replaceChildren(element("span", { translate: false }, words), back ?? "");
    }

    /** The form's prompts into the fields. */
    take() {
        this.prompt.value = box(`${this.tab}_prompt`)?.value ?? "";
        this.negative.value = box(`${this.tab}_neg_prompt`)?.value ?? "";
        this.typed();
        this.look();
    }

    /** What the form's prompts are with what is typed. @returns {Promise<{prompt: string, negative_prompt: string} | undefined>} */
    applied() {
        const style = { prompt: this.prompt.value, negative_prompt: this.negative.value };
        const [prompt, negative_prompt] = ["prompt", "neg_prompt"].map((field) => box(`${this.tab}_${field}`)?.value ?? "");
        return call("webui/styles/preview", { json: { prompt, negative_prompt, style } });
    }

    /** Put this style's texts into the form's prompts. */
    async insert() {
        const texts = await this.applied();
        if (!texts) return;
        this.dialog.close();
        for (const [id, text] of [[`${this.tab}_neg_prompt`, texts.negative_prompt], [`${this.tab}_prompt`, texts.prompt]]) {
            const field = box(id);
            if (field && field.value !== text) replace(field, 0, field.value.length, text);
        }
    }

    materialise() {
        this.dialog.close();
        document.getElementById(`${this.tab}_style_apply`)?.click();
    }

    /** Show what applying gives. */
    async look() {
        const asked = `${this.prompt.value}\n${this.negative.value}`;
        const texts = await this.applied();
        if (!texts || asked !== `${this.prompt.value}\n${this.negative.value}`) return;
        this.seen.replaceChildren(
            element("p", { translate: false }, texts.prompt || "(no prompt)"),
            texts.negative_prompt ? element("p", { class: "quiet", translate: false }, `Negative prompt: ${texts.negative_prompt}`) : "");
    }

    look_soon = afterwards(() => this.look(), PREVIEW_PAUSE);
}

/** @param {string} words @param {HTMLElement} control */
const label = (words, control) => element("label", { class: "styles-field" }, element("span", {}, words), control);

customElements.define("webui-styles", Styles);
