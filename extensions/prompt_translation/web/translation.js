// @ts-check
// The panel of the prompt translation: its options, and what the prompts will be in English, while they are typed.
import { OptionsForm, PromptPanel, call, define, element, promptBox, setPrompt } from "easel/extension.js";

/** @typedef {{text: string, language: string, words: [string, string][], unknown: string[], off: boolean}} Translated */
/** @typedef {{tab: () => any, options: () => any, negative: boolean}} Whose */

/** @type {Record<string, string>} */
const LANGUAGES = { zh: "Chinese", ja: "Japanese", ko: "Korean", de: "German", fr: "French", es: "Spanish", ru: "Russian" };

/** One prompt in English, with its words and what was not known. */
class Preview {
    /** @param {string} title @param {Whose} whose */
    constructor(title, whose) {
        this.whose = whose;
        this.asked = "";
        this.text = element("p", { class: "english", translate: false, lang: "en", "aria-live": "polite" });
        this.note = element("p", { class: "quiet" });
        this.words = element("dl", { class: "words", translate: false });
        this.details = element("details", {}, element("summary", {}, "Word by word"), this.words);
        this.take = element("button", { type: "button", onclick: () => this.put(this.text.textContent ?? "") }, "Put the English into the prompt");
        this.back = element("button", { type: "button", onclick: () => this.put(this.original) }, "Put the original back");
        this.element = element("section", { class: "preview" }, element("h3", {}, title), this.text, this.note, this.details,
            element("div", { class: "toolbar" }, this.take, this.back));
        this.show(undefined, "");
    }

    /** What a pasted picture was translated from. @returns {string} */
    get original() {
        const values = this.whose.options();
        return (this.whose.negative ? values.original_negative : values.original) ?? "";
    }

    /** Which prompt it is. */
    get which() {
        return { tab: this.whose.tab(), negative: this.whose.negative };
    }

    /** @param {string} text */
    put(text) {
        setPrompt(this.which, text);
    }

    /** Ask for the prompt as it is now; an answer to an older question is left aside. */
    async refresh() {
        const { positive, negative, language } = this.whose.options();
        const wanted = this.whose.negative ? negative : positive;
        const text = promptBox(this.which)?.value ?? "";
        const asked = JSON.stringify([text, language, wanted]);
        this.asked = asked;
        const answer = wanted && text.trim() ? await call("webui/extensions/prompt_translation/translate", { json: { text, language } }) : undefined;
        if (asked === this.asked) this.show(answer, text);
    }

    /** @param {Translated | undefined} answer @param {string} prompt */
    show(answer, prompt) {
        const changed = answer && answer.language && answer.text !== prompt ? answer : undefined;
        this.element.hidden = !answer && !this.original;
        this.text.textContent = changed?.text ?? "";
        this.note.replaceChildren(...note(answer, changed));
        this.words.replaceChildren(...(changed?.words ?? []).map(([source, english]) => element("div", {},
            element("dt", { class: changed?.unknown.includes(source) ? "wrong" : "" }, source), element("dd", {}, english || "–"))));
        this.details.hidden = !changed?.words.length;
        this.take.hidden = !changed;
        this.back.hidden = !this.original || this.original === prompt;
    }
}

/** What is to be said of an answer. @param {Translated | undefined} answer @param {Translated | undefined} changed @returns {(Node | string)[]} */
function note(answer, changed) {
    if (!answer) return [];
    if (answer.off) return ["Translation is switched off in the settings."];
    if (!changed) return ["It is English already, and stays as it is."];
    const language = element("span", {}, LANGUAGES[changed.language] ?? "");
    if (!changed.unknown.length) return [language];
    const words = element("span", { translate: false }, changed.unknown.join(", "));
    return [language, " · ", element("span", { class: "wrong" }, "Not known, and kept as it is:"), " ", words];
}

class Panel extends PromptPanel {
    /** @param {any} values */
    build(values) {
        const { tab = "txt2img", schema = [], lists = {} } = /** @type {any} */ (this);
        this.form = new OptionsForm(schema, { lists, values, id: (field) => `prompt_translation_${tab}_${field.name}` });
        this.form.onchange = () => {
            this.dispatchEvent(new Event("change", { bubbles: true }));
            this.soon?.();
        };
        const whose = { tab: () => tab, options: () => this.value };
        this.previews = [new Preview("Prompt", { ...whose, negative: false }), new Preview("Negative prompt", { ...whose, negative: true })];
        this.classList.add("webui");
        this.replaceChildren(this.form.element, ...this.previews.map((one) => one.element));
    }
    /** Show what the prompts are in English, if anybody can see it. */
    refresh() {
        if (!this.isConnected || this.offsetParent === null) return;
        for (const preview of this.previews ?? []) void preview.refresh();
    }
}

define("prompt-translation-panel", Panel);
