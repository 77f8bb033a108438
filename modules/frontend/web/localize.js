// @ts-check
// The page in another language: every text, title, name and placeholder that a localisation file knows is put in its words, whoever
// made the element. The files are A1111's: {"English": "translation"}; a `{}` in one stands for whatever is there, as in "{} pictures".
// Facts that stand in one line, "3 steps, seed 5 · this tab", are looked up one by one.
import { call } from "./server.js";
import { setting } from "./page_settings.js";

const ATTRIBUTES = ["title", "aria-label", "placeholder", "alt"];
/** What a person wrote, or what names a thing, stays as it is; a field's title and placeholder are the page's own. */
const KEPT = "[translate=no], script, style, code, .infotext, [contenteditable]";
const WRITTEN = `${KEPT}, textarea`;
/** What style sheets show, by the property that they take it from. */
const STYLED = { "--no-pictures": "Your pictures appear here" };
/** Where both languages are shown, if they are wanted: names of controls, not sentences. */
const NAMES = "label, legend, th, h2, h3, [data-testid=block-info], .label-text, .option .label";
const HOLE = "{}";
/** What facts in one line are joined by, and whether it joins nothing else. */
const JOINTS = /** @type {[string, boolean][]} */ ([[" · ", true], ["; ", false], [", ", false]]);

/** @typedef {{pattern: RegExp, translation: string}} Template */

/** A localisation that is read. */
export class Localization {
    /** @type {Map<string, string>} */
    plain = new Map();
    /** @type {Template[]} */
    templates = [];

    /** @param {Record<string, string>} texts @param {boolean} both show English beside it */
    constructor(texts, both = false) {
        this.both = both;
        /** What was put where, so that it is not taken for a source again. @type {WeakMap<Node, Record<string, string>>} */
        this.done = new WeakMap();
        this.learn(texts);
    }

    /** Have these texts from now on. @param {Record<string, string>} texts */
    learn(texts) {
        this.plain = new Map(Object.entries(texts).filter(([source]) => !source.includes(HOLE)));
        this.templates = Object.entries(texts).filter(([source]) => source.includes(HOLE)).sort(mostWordsFirst)
            .map(([source, translation]) => ({
                pattern: new RegExp(`^${source.split(HOLE).map(escaped).join(hole(source))}$`, "s"), translation,
            }));
    }

    /** @param {string} text @returns {string | undefined} its translation; undefined for what is not known */
    of(text) {
        const source = text.trim();
        if (!source) return undefined;
        const found = this.known(source) ?? this.joined(source);
        return found === undefined || found === source ? undefined : text.replace(source, () => found);
    }

    /** @param {string} source @returns {string | undefined} the translation of one text, or of one that a template makes */
    known(source) {
        const found = this.plain.get(source);
        if (found !== undefined || !/[A-Za-z]/.test(source)) return found;
        for (const { pattern, translation } of this.templates) {
            const match = pattern.exec(source);
            if (!match) continue;
            let place = 0;
            return translation.replace(/\{(\d?)\}/g, (_, number) => {
                const part = match[number ? Number(number) : ++place] ?? "";
                return this.known(part) ?? this.joined(part) ?? part;
            });
        }
        return undefined;
    }

    /** @param {string} source @returns {string | undefined} the translation of several facts in one line */
    joined(source) {
        for (const [separator, sure] of JOINTS) {
            const parts = source.split(separator);
            if (parts.length < 2) continue;
            const found = parts.map((part) => this.known(part) ?? this.joined(part));
            // a comma joins the parts of sentences, too: only where every part is known, or without words
            const whole = sure || found.every((part, place) => part ?? !/[A-Za-z]{3}/.test(parts[place]));
            if (whole && found.some((part) => part !== undefined)) {
                return parts.map((part, place) => found[place] ?? part).join(separator);
            }
        }
        return undefined;
    }

    /** Put everything below an element in the language. @param {Node} root */
    apply(root) {
        if (root instanceof Text) this.text(root);
        if (!(root instanceof Element) || root.closest(KEPT)) return;
        this.attributes(root);
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
            (node instanceof Element && node.matches(KEPT) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
        while (walker.nextNode()) {
            if (walker.currentNode instanceof Text) this.text(walker.currentNode);
            else this.attributes(/** @type {Element} */ (walker.currentNode));
        }
    }

    /** @param {Text} node */
    text(node) {
        const before = this.done.get(node);
        const parent = node.parentElement;
        if (!parent || before?.text === node.data || parent.closest(WRITTEN)) return;
        const found = this.of(node.data);
        if (found === undefined) return;
        const english = node.data.trim();
        const shown = this.both && parent.closest(NAMES) ? `${found.trim()} · ${english}` : found;
        const tab = this.both ? parent.closest("[role=tab]") : null; // tabs stand in one row: their English is a tooltip
        if (tab) {
            this.done.set(tab, { ...this.done.get(tab), title: english });
            tab.setAttribute("title", english);
        }
        this.done.set(node, { ...before, text: shown });
        node.data = shown;
    }

    /** @param {Element} element */
    attributes(element) {
        for (const name of ATTRIBUTES) {
            const value = element.getAttribute(name);
            const before = this.done.get(element);
            if (!value || before?.[name] === value) continue;
            const found = value.split("\n").map((line) => this.of(line) ?? line).join("\n");
            const whole = this.of(value) ?? (found === value ? undefined : found);
            if (whole === undefined) continue;
            this.done.set(element, { ...before, [name]: whole });
            element.setAttribute(name, whole);
        }
    }

    /** Keep the page in the language, whatever is added to it. */
    follow() {
        new MutationObserver((records) => {
            for (const { type, target, addedNodes } of records) {
                if (type === "childList") for (const node of addedNodes) this.apply(node);
                else if (type === "characterData") this.text(/** @type {Text} */ (target));
                else if (!(/** @type {Element} */ (target).closest(KEPT))) this.attributes(/** @type {Element} */ (target));
            }
        }).observe(document.documentElement, {
            childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES,
        });
        for (const [property, source] of Object.entries(STYLED)) {
            document.documentElement.style.setProperty(property, JSON.stringify(this.of(source) ?? source));
        }
        this.apply(document.body);
    }
}

/** So that "{} of {}" does not take what "{} of {} pictures" is for. @param {[string, string]} one @param {[string, string]} other */
const mostWordsFirst = ([one], [other]) => other.replaceAll(HOLE, "").length - one.replaceAll(HOLE, "").length;

/** What a template takes: anything, but only numbers where it has hardly a word of its own, as in "{} of {}". @param {string} source */
const hole = (source) => (source.replace(/[^A-Za-z]/g, "").length <= 4 && !source.includes(":") ? "([^\\d]{0,4}\\d.{0,24}?)" : "(.+?)");

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Read the language that the settings name, if they name one. */
export async function startLocalization() {
    const name = setting("localization", "None");
    if (name === "None") return;
    const read = () => call(`webui/localizations/${encodeURIComponent(name)}`);
    const file = await read();
    if (!file) return;
    const page = document.documentElement;
    const nameLanguage = () => page.lang === file.language || (page.lang = file.language);
    new MutationObserver(nameLanguage).observe(page, { attributeFilter: ["lang"] }); // Gradio writes the browser's language there
    nameLanguage();
    if (file.texts.rtl) page.dir = "rtl";
    const localization = new Localization(file.texts, setting("localization_bilingual", false));
    localization.follow();
    document.addEventListener("webui-extensions-changed", async () => { // new ones bring words along
        const now = await read();
        if (!now) return;
        localization.learn(now.texts);
        localization.apply(document.body);
    });
}
