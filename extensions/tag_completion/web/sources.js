// @ts-check
// What can be put into a prompt besides tags: LoRAs, hypernetworks, embeddings, wildcards, styles, chants. Found by any part of a name.
import { list, load, pictureOf } from "easel/cards_store.js";

/** @typedef {import("./popup.js").Entry} Entry */

const KINDS = /** @type {const} */ ({ lora: "LoRA", hypernetwork: "Hypernetwork", embedding: "Embedding" });
const MARKS = { l: "lora", lora: "lora", lyco: "lora", h: "hypernetwork", hypernet: "hypernetwork", e: "embedding", embed: "embedding" };

export class Sources {
    /** @param {(text: string) => string} fold */
    constructor(fold) {
        this.fold = fold;
    }

    /** Have the lists of models brought up to date; what has not changed costs nothing. @param {any} settings */
    refresh(settings) {
        if (settings.networks) for (const kind of /** @type {const} */ (["lora", "hypernetwork"])) load(kind);
        if (settings.embeddings || settings.plain_embeddings) load("embedding");
    }

    /** What `<...` may become. @param {string} text behind the bracket @param {any} settings @returns {Entry[]} */
    networks(text, settings) {
        const mark = /^(lora|lyco|l|hypernet|h|embed|e):(.*)$/is.exec(text);
        const kind = mark && /** @type {Record<string, string>} */ (MARKS)[mark[1].toLowerCase()];
        const wanted = mark ? mark[2] : text;
        /** @type {Entry[]} */
        const found = [];
        if (settings.networks && (!kind || kind === "lora")) found.push(...this.models("lora", wanted, settings));
        if (settings.networks && (!kind || kind === "hypernetwork")) found.push(...this.models("hypernetwork", wanted, settings));
        if (settings.embeddings && (!kind || kind === "embedding")) found.push(...this.models("embedding", wanted, settings));
        return found;
    }

    /** @param {keyof typeof KINDS} kind @param {string} text @param {any} settings @returns {Entry[]} */
    models(kind, text, settings) {
        const cards = list(kind).cards.filter((card) => !card.problem);
        return this.ranked(cards, text, (card) => [card.tag ?? card.name, card.key, card.alias, card.activation]).map((card) => {
            const name = card.tag ?? card.name;
            const weight = card.weight ?? settings.network_weight;
            const words = settings.trigger_words && card.activation ? ` ${card.activation}` : "";
            const insert = kind === "embedding" ? name : `<${kind === "lora" ? "lora" : "hypernet"}:${name}:${weight}>${kind === "lora" ? words : ""}`;
            return {
                name, insert, kind: KINDS[kind], note: card.activation || card.description || "", comma: kind === "embedding",
                picture: settings.previews && card.picture ? pictureOf(kind, card) : "",
            };
        });
    }

    /** @param {string[]} names @param {string} text @returns {Entry[]} */
    wildcards(names, text) {
        return this.ranked(names, text, (name) => [name]).map((name) => ({ name, insert: `__${name}__`, kind: "Wildcard", note: "", comma: true }));
    }

    /** @param {string[]} names @param {string} text @returns {Entry[]} */
    styles(names, text) {
        return this.ranked(names, text, (name) => [name]).map((name) => ({ name, insert: "", style: name, kind: "Style", note: "", comma: false }));
    }

    /** @param {{name: string, terms: string, content: string}[]} chants @param {string} text @returns {Entry[]} */
    chants(chants, text) {
        return this.ranked(chants, text.replace(/^c:/i, ""), (chant) => [chant.name, chant.terms])
            .map(({ name, content }) => ({ name, insert: content, kind: "Chant", note: content, comma: true }));
    }

    /**
     * Those that have a text in one of their names: at the beginning, at a word's beginning, or anywhere.
     * @template T
     * @param {readonly T[]} things
     * @param {string} text
     * @param {(thing: T) => (string | undefined)[]} namesOf
     * @returns {T[]}
     */
    ranked(things, text, namesOf) {
        const wanted = this.fold(text).trim();
        if (!wanted) return [...things];
        const rank = (/** @type {T} */ thing) => {
            let best = 3;
            for (const [place, name] of namesOf(thing).entries()) {
                const at = name ? this.fold(name).indexOf(wanted) : -1;
                if (at >= 0) best = Math.min(best, at === 0 ? (place ? 1 : 0) : 2);
            }
            return best;
        };
        return things.map((thing) => ({ thing, rank: rank(thing) })).filter((one) => one.rank < 3).sort((one, other) => one.rank - other.rank)
            .map(({ thing }) => thing);
    }
}
