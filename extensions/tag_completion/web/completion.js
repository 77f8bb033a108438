// @ts-check
// Tag completion in the prompt boxes: listens to what is typed, asks the index, shows the list, puts what is chosen into the prompt.
import { call, define, isPrompt, onSettings, replaceText, say } from "easel/extension.js";
import { chosenTitle } from "easel/cards_store.js";
import { caretPlace } from "./caret.js";
import { folding } from "./fold.js";
import { ListsPage } from "./lists_page.js";
import { Popup, colorsOf } from "./popup.js";
import { Sources } from "./sources.js";
import { ending, sought, written } from "./words.js";

/** @typedef {import("./popup.js").Entry} Entry */
/** @typedef {import("./words.js").Sought} Sought */

const ROOT = "webui/extensions/tag_completion";
const FRESH = 5000; // milliseconds for which the state is not asked for again
const EXTRA = 5; // embeddings that stand among the tags

class Completion {
    /** @type {any} */
    state = undefined;
    asked = -Infinity;
    list = "";
    number = 0;
    composing = false;
    taking = false;
    timer = 0;
    sources = new Sources(folding());
    popup = new Popup((entry) => this.take(entry));
    /** @type {{box: HTMLTextAreaElement, sought: Sought} | undefined} */
    now = undefined;

    start() {
        const on = (/** @type {string} */ type, /** @type {(event: any) => unknown} */ act) => document.addEventListener(type, act, true);
        on("focusin", ({ target }) => isPromptLike(target) && this.refresh());
        on("compositionstart", () => (this.composing = true));
        on("compositionend", ({ target }) => {
            this.composing = false;
            if (isPromptLike(target)) this.soon(target);
        });
        on("input", (event) => {
            if (isPromptLike(event.target) && !event.isComposing && !this.composing && !this.taking) this.soon(event.target);
        });
        on("keydown", (event) => this.key(event));
        on("focusout", ({ target }) => target === this.popup.box && this.popup.close());
        on("pointerdown", ({ target }) => target === this.popup.box && this.popup.close());
        addEventListener("resize", () => this.popup.close());
        document.addEventListener("scroll", ({ target }) => target !== this.popup.rows && this.popup.close(), { capture: true, passive: true });
        onSettings((keys) => {
            if (keys.some((key) => key.startsWith("tag_completion"))) this.refresh(true);
        });
        if (isPromptLike(document.activeElement)) this.refresh();
    }

    /** Ask for settings and names again, and for the list if it is another one. @param {boolean} [force] */
    async refresh(force = false) {
        if (!force && performance.now() - this.asked < FRESH) return;
        this.asked = performance.now();
        const state = await call(`${ROOT}/state`);
        if (!state) return;
        this.state = state;
        this.used = new Map(Object.entries(state.used));
        this.keys = new Map(Object.entries(colorsOf(state.settings.keys)).map(([action, key]) => [key, action]));
        this.sources.fold = folding(state.pairs);
        if (!state.settings.active) return;
        this.sources.refresh(state.settings);
        if (state.list !== this.list) await this.load(state);
    }

    /** Have the worker read the list. @param {any} state */
    async load(state) {
        this.list = state.list;
        const answer = await fetch(`${ROOT}/tags`).catch(() => undefined);
        if (!answer?.ok) return say("The list of tags could not be read.");
        const rows = await answer.text();
        this.worker?.terminate();
        this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
        this.worker.onmessage = ({ data }) => this.answered(data);
        this.worker.onerror = () => say("The list of tags could not be searched.");
        this.worker.postMessage({ load: { rows, pairs: state.pairs } });
    }

    /** @param {HTMLTextAreaElement} box */
    soon(box) {
        clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.look(box), this.state?.settings.delay ?? 40);
    }

    /** Find out what is typed, and ask for it. @param {HTMLTextAreaElement} box */
    look(box) {
        const { state } = this;
        if (!state || box !== document.activeElement || !this.wanted(box)) return this.popup.close();
        const caret = box.selectionEnd;
        const found = box.selectionStart === caret ? sought(box.value, caret) : undefined;
        if (!found) return this.popup.close();
        this.now = { box, sought: found };
        const [{ text }] = found.texts;
        const { settings } = state;
        if (found.kind === "tags") return this.ask(found);
        const entries = {
            networks: () => this.sources.networks(text, settings),
            wildcards: () => this.sources.wildcards(state.wildcards, text),
            styles: () => this.sources.styles(state.styles, text),
            chants: () => this.sources.chants(state.chants, text),
        }[found.kind]();
        this.show(entries.map((entry) => ({ ...entry, start: found.start })));
    }

    /** @param {Sought} found */
    ask(found) {
        const { most, aliases, translations, sort } = this.state.settings;
        const how = { limit: most, aliases, translations, sort, used: this.used, type: found.type };
        this.worker?.postMessage({ number: ++this.number, texts: found.texts.map(({ text }) => text), how });
    }

    /** @param {any} data from the worker */
    answered({ number, which, hits, loaded }) {
        if (loaded !== undefined) {
            document.body.dataset.tagCompletion = String(loaded);
            return;
        }
        const { now, state } = this;
        if (number !== this.number || !now) return;
        const { texts, type } = now.sought;
        const entries = /** @type {Entry[]} */ (hits.map((/** @type {any} */ hit) => ({
            name: hit.name.replaceAll("_", state.settings.underscores ? " " : "_"), tag: hit.name, insert: written(hit.name, state.settings), kind: "", note: hit.kind === "translation" ? "" : hit.text, comma: true,
            via: hit.kind === "alias" || hit.kind === "translation" ? hit.via : "", type: hit.type, count: hit.shown, start: texts[which].start,
        })));
        const last = texts[texts.length - 1];
        if (state.settings.plain_embeddings && type === undefined && last.text.length > 1) {
            const extra = this.sources.models("embedding", last.text, state.settings).slice(0, EXTRA);
            entries.push(...extra.map((entry) => ({ ...entry, start: last.start })));
        }
        this.show(entries);
    }

    /** @param {Entry[]} entries */
    show(entries) {
        const { now, state } = this;
        if (!now || now.box !== document.activeElement) return;
        const { box } = now;
        const typed = box.value.slice(entries[0]?.start ?? 0, box.selectionEnd);
        if (!entries.length || (entries.length === 1 && entries[0].insert === typed)) return this.popup.close();
        this.popup.show(box, entries.slice(0, state.settings.most), caretPlace(box, entries[0].start ?? box.selectionEnd), state.settings);
    }

    /** Put a chosen entry in the place of what was typed. @param {Entry} entry */
    take(entry) {
        const { box } = this.popup;
        if (!box || !entry) return;
        const { settings } = this.state;
        const end = box.selectionEnd;
        this.popup.close();
        this.taking = true; // what is put in is not typed
        try {
            if (entry.style !== undefined) chooseStyle(box, entry.style, entry.start ?? end, end);
            else replaceText(box, entry.start ?? end, end, entry.insert + (entry.comma ? ending(box.value.slice(end), settings) : ""));
        } finally {
            this.taking = false;
        }
        if (entry.kind === "" && settings.used_first) this.count(entry.tag ?? entry.name, isNegative(box));
    }

    /** @param {string} name @param {boolean} negative */
    async count(name, negative) {
        await call(`${ROOT}/used`, { json: { name, negative } });
        this.asked = -Infinity;
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        if (event.isComposing || event.key === "Process" || this.composing || !this.popup.open || event.target !== this.popup.box) return;
        if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key !== "Tab")) return;
        const action = this.keys?.get(event.key);
        if (action === undefined) {
            if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.popup.close();
            return;
        }
        if (event.shiftKey || !this.popup.act(String(action))) return void (action === "choose" && this.popup.close());
        event.preventDefault();
        event.stopImmediatePropagation();
    }

    /** Whether tags are offered in a box. @param {HTMLTextAreaElement} box */
    wanted(box) {
        const { settings } = this.state;
        const form = box.closest("[id$=_prompt]")?.id.match(/^(txt2img|img2img)_(?:neg_)?prompt$/);
        if (!settings.active || (form ? !settings[`in_${form[1]}`] : !settings.in_others) || (isNegative(box) && !settings.in_negative)) return false;
        const title = chosenTitle().toLowerCase();
        const named = (/** @type {string} */ names) => names.split(",").map((one) => one.trim().toLowerCase()).filter(Boolean).some((one) => title.includes(one));
        return !named(settings.off_for) && (!settings.only_for.trim() || named(settings.only_for));
    }
}

/** A prompt of the page, or a box that an extension marked as one: by the class "prompt" on it or around it. @param {any} thing @returns {thing is HTMLTextAreaElement} */
const isPromptLike = (thing) => isPrompt(thing) || (thing instanceof HTMLTextAreaElement && thing.closest(".prompt") !== null);

/** @param {HTMLTextAreaElement} box */
const isNegative = (box) => /neg/.test(`${box.id} ${box.closest("[id$=_prompt]")?.id ?? ""}`);

/** Take what was typed away, and choose the style below the prompt. @param {HTMLTextAreaElement} box @param {string} name @param {number} start @param {number} end */
function chooseStyle(box, name, start, end) {
    replaceText(box, start, end, "");
    const tab = box.closest("[id^=img2img]") ? "img2img" : "txt2img";
    const { fields } = /** @type {any} */ (window).webui;
    const chosen = fields.values(tab).styles ?? [];
    if (!chosen.includes(name)) fields.put(tab, { styles: [...chosen, name] });
}

new Completion().start();
define("easel-tag-lists", ListsPage);
