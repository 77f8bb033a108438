// @ts-check
// The lists of models that cards show: fetched once for all tabs of the page, kept fresh, searched and sorted.
import { ask } from "./jobs.js";
import { say } from "./notices.js";

/** @typedef {"lora" | "embedding" | "hypernetwork" | "checkpoint"} Kind */
/**
 * A model as the program lists it; what is empty is missing.
 * @typedef {object} Card
 * @property {string} key its path from the folder of its kind on; routes know it by this
 * @property {string} name
 * @property {string} [tag] what a prompt calls it, if that is not its name
 * @property {string} [title] what a checkpoint is chosen by
 * @property {number} size bytes
 * @property {number} modified seconds
 * @property {number} created seconds
 * @property {string} [family] sd1, sd2, sdxl, other
 * @property {string} [alias]
 * @property {string} [tags]
 * @property {string[]} [hashes]
 * @property {string} [description]
 * @property {string} [activation]
 * @property {string} [negative]
 * @property {string} [notes]
 * @property {number} [weight]
 * @property {number} [picture] a version of its picture
 * @property {string} [problem]
 * @property {string} [text] all that a search looks at, in lower case
 * @property {string} [folder] "" for the topmost
 */
/** @typedef {"path" | "name" | "created" | "modified" | "size"} Order */

const AGAIN = 300; // milliseconds until a list is asked for again that the program is still reading
const FRESH = 1000; // a list younger than this is not asked for again unless a person does
/** What a card shows of a family. @type {Record<string, string>} */
export const FAMILIES = { sd1: "SD1", sd2: "SD2", sdxl: "SDXL", "sdxl-refiner": "SDXL", other: "Other" };

class List {
    /** @type {Card[]} */
    cards = [];
    weight = 1;
    separator = " ";
    tag = "";
    asked = -Infinity;
    known = false;
    unread = 0;
    /** @type {Map<string, Card[]>} */
    orders = new Map();
    /** @type {Promise<void> | undefined} */
    pending = undefined;
}

/** @type {Map<Kind, List>} */
const lists = new Map();

/** Dispatches "change" with the kind as its detail. */
export const changes = new EventTarget();

/** @param {Kind} kind @returns {List} as it is known now */
export function list(kind) {
    let found = lists.get(kind);
    if (!found) lists.set(kind, (found = new List()));
    return found;
}

/** @param {Kind} kind @param {string} key */
export const cardOf = (kind, key) => list(kind).cards.find((card) => card.key === key);

/** Ask for a list again; what has not changed costs nothing. @param {Kind} kind @param {{force?: boolean}} [how] */
export function load(kind, { force = false } = {}) {
    const mine = list(kind);
    if (!force && performance.now() - mine.asked < FRESH) return mine.pending ?? Promise.resolve();
    mine.asked = performance.now();
    const running = mine.pending;
    const next = (running && force ? running.then(() => fetchList(kind, mine)) : running ?? fetchList(kind, mine)).finally(() => {
        if (mine.pending === next) mine.pending = undefined;
    });
    mine.pending = next;
    return next;
}

/** @param {Kind} kind @param {List} mine */
async function fetchList(kind, mine) {
    const answer = await ask(`webui/cards/${kind}`, { headers: mine.tag ? { "If-None-Match": mine.tag } : {} });
    if (answer?.status === 304) return;
    if (!answer?.ok) {
        const said = await answer?.json().catch(() => undefined);
        return say(said?.detail ?? "The list of models could not be read.", said?.hint ?? (answer ? "" : "Is the program still running?"));
    }
    const { cards, weight, separator, unread } = await answer.json();
    mine.tag = answer.headers.get("ETag") ?? "";
    Object.assign(mine, { cards: cards.map(prepared), weight, separator, unread, known: true });
    mine.orders.clear();
    changes.dispatchEvent(new CustomEvent("change", { detail: kind }));
    if (unread) setTimeout(() => load(kind, { force: true }), AGAIN);
}

/** @param {Card} card @returns {Card} with what searching and the tree need */
function prepared(card) {
    const { key, name, alias, title, tags, description, activation, negative, notes, hashes, family } = card;
    const said = [key, name, alias, title, tags, description, activation, negative, notes, ...(hashes ?? []), FAMILIES[family ?? ""]];
    card.text = said.filter(Boolean).join("\n").toLowerCase();
    card.folder = key.slice(0, Math.max(0, key.lastIndexOf("/")));
    return card;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
/** @param {Card} a @param {Card} b */
const byName = (a, b) => collator.compare(a.name, b.name) || collator.compare(a.key, b.key);
/** @type {Record<Order, (a: Card, b: Card) => number>} */
const ORDERS = {
    path: (a, b) => (a.folder === b.folder ? byName(a, b) : collator.compare(a.folder ?? "", b.folder ?? "")),
    name: byName,
    created: (a, b) => a.created - b.created || byName(a, b),
    modified: (a, b) => a.modified - b.modified || byName(a, b),
    size: (a, b) => a.size - b.size || byName(a, b),
};

/** All cards in an order; sorted once as long as the list stays. @param {Kind} kind @param {Order} order @param {boolean} down */
export function sorted(kind, order, down) {
    const { cards, orders } = list(kind);
    const name = `${order} ${down}`;
    let found = orders.get(name);
    if (!found) {
        found = [...cards].sort(ORDERS[order]);
        if (down) found.reverse();
        orders.set(name, found);
    }
    return found;
}

/** Whether a card has all words of a search. @param {Card} card @param {string[]} words in lower case */
export const matches = (card, words) => words.every((word) => card.text?.includes(word));

/** @returns {string} the title of the checkpoint that is chosen on top of the page, "" if it is not known */
export function chosenTitle() {
    const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#setting_sd_model_checkpoint input"));
    return (field?.value ?? "").replace(/ \(cannot be used\)$/, "");
}

/** The family of the chosen checkpoint; "" where it is not known, and then every card fits. */
export function chosenFamily() {
    const title = chosenTitle();
    const found = list("checkpoint").cards.find((card) => card.title === title);
    const family = found?.family ?? "";
    return family === "sdxl-refiner" ? "sdxl" : family;
}

/** Whether a card goes with a checkpoint's family; nobody knows of cards without one. @param {Card} card @param {string} family */
export const fits = (card, family) => !family || !card.family || card.family === family;

/** The address of a card's picture. @param {Kind} kind @param {Card} card @param {{whole?: boolean}} [how] */
export function pictureOf(kind, card, { whole = false } = {}) {
    return `webui/cards/${kind}/picture?name=${encodeURIComponent(card.key)}&v=${card.picture}${whole ? "&whole=1" : ""}`;
}
