// @ts-check
// What cards do in prompts: put a model's words in, take them out, and see which models are there.
import { toggleWords } from "./actions.js";
import { box, replace } from "./prompt.js";

/** @typedef {import("./cards_store.js").Card} Card */
/** @typedef {import("./cards_store.js").Kind} Kind */
/** @typedef {"txt2img" | "img2img"} Tab */

const TAGS = /** @type {Record<string, string>} */ ({ lora: "lora", hypernetwork: "hypernet" });
const ANY = /<(lora|lyco|hypernet):([^:>]+)(?::[^>]*)?>/g;
/** Which of a tab's prompts had the focus last. @type {Map<string, boolean>} */
const negativeLast = new Map();
let ours = false; // the focus moves because we put words in

document.addEventListener("focusin", ({ target }) => {
    const found = !ours && target instanceof Element && target.closest("[id$=_prompt]")?.id.match(/^(txt2img|img2img)_(neg_)?prompt$/);
    if (found) negativeLast.set(found[1], Boolean(found[2]));
});

/** @param {Tab} tab @param {boolean} negative @returns {string} */
export const promptText = (tab, negative) => box(`${tab}_${negative ? "neg_prompt" : "prompt"}`)?.value ?? "";

/** What a prompt calls a model. @param {Card} card */
const nameOf = (card) => card.tag ?? card.name;

/** All that a prompt may call a model. @param {Card} card */
const namesOf = (card) => [card.tag, card.name, card.alias, card.key.replace(/\.[^./]*$/, "")];

/**
 * What is in the prompts of a tab, to be asked about many cards.
 * @param {Kind} kind
 * @param {Tab} tab
 * @returns {(card: Card) => boolean}
 */
export function inPrompt(kind, tab) {
    const text = promptText(tab, false);
    const both = `${text}\n${promptText(tab, true)}`;
    if (kind === "embedding") return (card) => both.includes(nameOf(card)) && wordAt(both, nameOf(card)) !== undefined;
    const tags = [...text.matchAll(ANY)].filter(([, type]) => (type === "hypernet") === (kind === "hypernetwork"));
    const names = new Set(tags.map(([, , name]) => name));
    return (card) => namesOf(card).some((name) => name !== undefined && names.has(name));
}

/**
 * Put a card's model into the prompt, or take it out.
 * @param {Kind} kind
 * @param {Card} card
 * @param {Tab} tab
 * @param {{weight: number, separator: string, negative?: boolean}} how `weight` where the card has none of its own; `separator` stands
 *     before a network; `negative`: into the negative prompt
 */
export function toggleCard(kind, card, tab, { weight, separator, negative = false }) {
    if (kind === "embedding") {
        const name = nameOf(card);
        const inNegative = negative || (negativeLast.get(tab) ?? false);
        return aside(() => toggleWords(name, { negative: inNegative, tab, same: (text) => wordAt(text, name) }));
    }
    const words = [`<${TAGS[kind]}:${nameOf(card)}:${card.weight ?? weight}>`, card.activation].filter(Boolean).join(" ");
    return aside(() => {
        const field = box(`${tab}_prompt`);
        const own = separator.trim() && field?.value && !tagAt(field.value, kind, card); // the usual one is toggleWords' own
        if (own) replace(field, field.value.length, field.value.length, separator + words);
        const there = own || toggleWords(words, { tab, same: (text) => tagAt(text, kind, card) });
        const against = card.negative;
        if (against && promptText(tab, true).includes(against) !== Boolean(there)) toggleWords(against, { negative: true, tab });
        return there;
    });
}

/** Put words such as a training tag into the prompt, or take them out. @param {string} words @param {Tab} tab */
export function toggleText(words, tab) {
    return aside(() => toggleWords(words, { tab, same: (text) => wordAt(text, words) }));
}

/**
 * Where a model's tag stands, of whatever weight, with its activation text if that follows.
 * @param {string} text
 * @param {Kind} kind
 * @param {Card} card
 * @returns {[number, number] | undefined}
 */
function tagAt(text, kind, card) {
    for (const found of text.matchAll(ANY)) {
        if ((found[1] === "hypernet") !== (kind === "hypernetwork") || !namesOf(card).includes(found[2])) continue;
        let end = found.index + found[0].length;
        const after = card.activation ? text.slice(end).match(/^\s*/)?.[0].length ?? 0 : 0;
        if (card.activation && text.startsWith(card.activation, end + after)) end += after + card.activation.length;
        return atStart(text, found.index, end);
    }
    return undefined;
}

/**
 * A place, with the comma behind it if nothing stands before it.
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {[number, number]}
 */
function atStart(text, start, end) {
    const more = text.slice(0, start).trim() ? 0 : text.slice(end).match(/^[,\s]*/)?.[0].length ?? 0;
    return [start, end + more];
}

/**
 * Where words stand by themselves, with brackets and a weight around them if there are any.
 * @param {string} text
 * @param {string} words
 * @returns {[number, number] | undefined}
 */
function wordAt(text, words) {
    const plain = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const found = new RegExp(`\\(\\s*${plain}\\s*(?::[\\d.]+)?\\s*\\)|(?<![\\p{L}\\p{N}_-])${plain}(?![\\p{L}\\p{N}_-])`, "u").exec(text);
    return found ? atStart(text, found.index, found.index + found[0].length) : undefined;
}

/**
 * Change a prompt and leave the focus, the place on the page and what is open as they were. A modal dialog would keep the prompt
 * from being changed the way typing does, so it steps aside for that moment.
 * @template T
 * @param {() => T} act
 * @returns {T}
 */
function aside(act) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const [x, y] = [scrollX, scrollY];
    const open = /** @type {HTMLDialogElement[]} */ ([...document.querySelectorAll("dialog:modal")]);
    const tops = open.map((each) => each.scrollTop);
    ours = true;
    for (const each of open) {
        each.dataset.aside = "";
        each.close();
    }
    try {
        return act();
    } finally {
        for (const [place, each] of open.entries()) {
            each.showModal();
            each.scrollTop = tops[place];
            setTimeout(() => delete each.dataset.aside); // after the "close" event of before
        }
        focused?.focus({ preventScroll: true });
        scrollTo(x, y);
        ours = false;
    }
}
