// @ts-check
// All tags, made to be found while somebody types. Each thing that a tag is found by, its name, aliases, translations, initials, is a line
// of one long text, the most used tags first; a search runs along that text and stops as soon as nothing better can follow. A text of
// ASCII alone is kept apart from the others: it takes a byte a sign, and is searched several times faster.
import { isLatin } from "./fold.js";

/** @typedef {{name: string, type: number, shown: number, via: string, kind: Kind, score: number, text: string}} Hit */
/** How a tag was found. @typedef {"name" | "alias" | "translation" | "initials"} Kind */
/**
 * @typedef {object} How
 * @property {number} [limit]
 * @property {"on" | "off" | "only"} [aliases]
 * @property {boolean} [translations]
 * @property {"count" | "alphabet" | "length"} [sort]
 * @property {Map<string, number>} [used] by name: how much more a tag counts
 * @property {number} [type] only tags of this one
 */

const KINDS = /** @type {Kind[]} */ (["name", "alias", "translation", "initials"]);
const NAME = 0, ALIAS = 1, TRANSLATION = 2, INITIALS = 3;
const FIRST = 4; // how much more a tag counts that begins with what is sought
const INSIDE = 1e-9; // a word's middle counts less than any word's beginning
const BEGINNING = /[a-z0-9]/;
const MANY = 20_000; // matches that are sorted where the order is not that of the text

/** Lines of one text, each of a tag. */
class Lines {
    constructor() {
        /** @type {string[]} */
        this.parts = [];
        this.text = "";
        /** @type {number[] | Uint32Array} where each line begins */
        this.starts = [];
        /** @type {number[] | Uint32Array} the tag's number times four, and the kind */
        this.owners = [];
        this.length = 1;
    }

    /** @param {string} key @param {number} tag @param {number} kind */
    add(key, tag, kind) {
        this.parts.push(key);
        /** @type {number[]} */ (this.starts).push(this.length);
        /** @type {number[]} */ (this.owners).push(tag * 4 + kind);
        this.length += key.length + 1;
    }

    close() {
        this.text = `\n${this.parts.join("\n")}\n`;
        this.parts = [];
        this.starts = Uint32Array.from(this.starts);
        this.owners = Uint32Array.from(this.owners);
    }

    /** The line that a place in the text belongs to. @param {number} place @param {number} from a line at or before it */
    lineAt(place, from) {
        const { starts } = this;
        let low = from, step = 1;
        while (low + step < starts.length && starts[low + step] <= place) {
            low += step;
            step *= 2;
        }
        let high = Math.min(low + step, starts.length);
        while (high - low > 1) {
            const middle = (low + high) >> 1;
            if (starts[middle] <= place) low = middle;
            else high = middle;
        }
        return low;
    }
}

export class TagIndex {
    /**
     * @param {string} rows lines of `name, type, count, aliases, translations, initials, shown count`, by tabs; several in one by `|`; the most used first
     * @param {(text: string) => string} fold
     */
    constructor(rows, fold) {
        this.fold = fold;
        /** @type {string[]} */
        this.names = [];
        /** @type {string[]} what a tag is called in the person's language: its first translation */
        this.called = [];
        /** @type {string[]} all else that a tag is found by, as it is written, by | */
        this.others = [];
        /** @type {Map<string, number>} */
        this.numbers = new Map();
        this.latin = new Lines();
        this.wide = new Lines();
        this.initials = new Lines();
        const types = [], counts = [], real = [];
        for (const row of rows.split("\n")) {
            if (!row) continue;
            const [name, type, count, aliases, translations, initials, shown] = row.split("\t");
            const tag = this.names.push(name) - 1;
            types.push(Number(type) || 0);
            counts.push(Number(count) || 0);
            real.push(Number(shown) || 0);
            this.called.push(translations ? translations.split("|", 1)[0] : "");
            this.others.push(aliases || translations ? `${aliases ?? ""}|${translations ?? ""}` : "");
            this.numbers.set(name, tag);
            this.line(name, tag, NAME);
            if (aliases) for (const alias of aliases.split("|")) this.line(alias, tag, ALIAS);
            if (translations) for (const one of translations.split("|")) this.line(one, tag, TRANSLATION);
            if (initials) for (const one of initials.split("|")) this.initials.add(one, tag, INITIALS);
        }
        this.types = Uint8Array.from(types);
        this.counts = Float64Array.from(counts);
        this.real = Uint32Array.from(real); // what is shown: 0 where nobody counted
        for (const lines of [this.latin, this.wide, this.initials]) lines.close();
    }

    /** @param {string} text @param {number} tag @param {number} kind */
    line(text, tag, kind) {
        const key = this.fold(text);
        (isLatin(key) ? this.latin : this.wide).add(key, tag, kind);
    }

    /**
     * The tags that a text may stand for, the best first.
     * @param {string} sought as typed
     * @param {How} [how]
     * @returns {Hit[]}
     */
    search(sought, how = {}) {
        const query = this.fold(sought).trim();
        if (!query) return [];
        const { limit = 20, used } = how;
        const found = new Found(this, query, how);
        if (used) for (const name of used.keys()) found.used(this.numbers.get(name));
        found.scan(isLatin(query) ? this.latin : this.wide);
        if (how.translations !== false && found.full < limit && /^[a-z]{2,8}$/.test(query)) found.scan(this.initials);
        return found.best(limit);
    }
}

/** What one search has found so far. */
class Found {
    /** @param {TagIndex} index @param {string} query folded @param {How} how */
    constructor(index, query, { limit = 20, aliases = "on", translations = true, sort = "count", used, type }) {
        this.index = index;
        this.query = query;
        this.limit = limit;
        this.sort = sort;
        this.type = type;
        this.more = used;
        this.wanted = [aliases !== "only", aliases !== "off", translations, translations];
        /** @type {Map<number, {score: number, line: number, lines: Lines}>} */
        this.tags = new Map();
        this.full = 0; // tags that have it at a word's beginning
        /** @type {number[]} the best scores, ascending, of at most `limit` */
        this.top = [];
    }

    /** Look at all lines in their order, until no later one can be among the best. @param {Lines} lines */
    scan(lines) {
        const { text, owners, starts } = lines;
        const { query, limit, index } = this;
        // one letter is in nearly every line: only what begins with it counts
        const beginning = lines === index.initials || (lines === index.latin && query.length === 1) ? `\n${query}` : query;
        const lead = beginning.length - query.length;
        let line = 0;
        for (let place = text.indexOf(beginning); place >= 0; ) {
            const at = place + lead;
            line = lines.lineAt(at, line);
            const owner = owners[line];
            if (this.sort === "count" && this.top.length >= limit) {
                if (index.counts[owner >> 2] * FIRST < this.top[0]) break; // and those that follow are used less
            } else if (this.tags.size > MANY) break;
            const inside = at > starts[line] && isInside(text, at);
            this.take(owner, line, lines, at === starts[line], inside);
            // a word's beginning further on in the line would count more
            const end = starts[line] + this.lengthOf(lines, line);
            place = text.indexOf(beginning, inside ? place + 1 : Math.max(place + 1, end));
        }
    }

    /** @param {Lines} lines @param {number} line */
    lengthOf(lines, line) {
        return (line + 1 < lines.starts.length ? lines.starts[line + 1] : lines.text.length) - 1 - lines.starts[line];
    }

    /** @param {number} owner @param {number} line @param {Lines} lines @param {boolean} first @param {boolean} inside */
    take(owner, line, lines, first, inside) {
        const tag = owner >> 2;
        const kind = owner & 3;
        if (!this.wanted[kind] || (this.type !== undefined && this.index.types[tag] !== this.type)) return;
        const own = 1 + this.index.counts[tag];
        const whole = first && this.lengthOf(lines, line) === this.query.length;
        const more = this.more?.get(this.index.names[tag]) ?? 1;
        let score = own * more * (inside ? INSIDE : first && kind !== INITIALS ? FIRST : 1);
        if (whole && kind === NAME) score *= 1e9;
        else if (whole && kind === TRANSLATION) score *= 1e6;
        else if (whole && kind === ALIAS) score *= FIRST;
        const before = this.tags.get(tag);
        if (before && before.score >= score) return;
        this.tags.set(tag, { score, line, lines });
        if (before || inside) return;
        this.full++;
        this.push(score);
    }

    /** @param {number} score */
    push(score) {
        const { top, limit } = this;
        if (top.length >= limit) {
            if (score <= top[0]) return;
            top.shift();
        }
        let place = top.length;
        while (place > 0 && top[place - 1] > score) place--;
        top.splice(place, 0, score);
    }

    /** A tag that the person uses often is looked at wherever it stands. @param {number | undefined} tag */
    used(tag) {
        if (tag === undefined || !this.wanted[NAME]) return;
        const name = this.index.fold(this.index.names[tag]);
        const at = name.indexOf(this.query);
        if (at < 0 || (at > 0 && isInside(name, at))) return;
        const lines = this.index.latin;
        this.take(tag * 4 + NAME, -1, lines, at === 0, false);
    }

    /** @param {number} limit @returns {Hit[]} */
    best(limit) {
        const { index } = this;
        const hits = [...this.tags].map(([tag, { score, line, lines }]) => ({ tag, score, line, lines }));
        const orders = {
            count: (/** @type {any} */ one, /** @type {any} */ other) => other.score - one.score,
            alphabet: (/** @type {any} */ one, /** @type {any} */ other) => (index.names[one.tag] < index.names[other.tag] ? -1 : 1),
            length: (/** @type {any} */ one, /** @type {any} */ other) =>
                index.names[one.tag].length - index.names[other.tag].length || other.score - one.score,
        };
        hits.sort(orders[this.sort]);
        return hits.slice(0, limit).map(({ tag, score, line, lines }) => this.shown(tag, score, line, lines));
    }

    /** @param {number} tag @param {number} score @param {number} line @param {Lines} lines @returns {Hit} */
    shown(tag, score, line, lines) {
        const { index } = this;
        const kind = line < 0 ? NAME : lines.owners[line] & 3;
        const key = kind === NAME || line < 0 ? "" : lines.text.slice(lines.starts[line], lines.starts[line] + this.lengthOf(lines, line));
        const via = index.others[tag].split("|").find((one) => one && index.fold(one) === key) ?? key;
        return {
            name: index.names[tag], type: index.types[tag], shown: index.real[tag], via, kind: KINDS[kind], score,
            text: index.called[tag],
        };
    }
}

/** Whether a place is in the middle of a word; in Chinese and Japanese every sign begins one. @param {string} text @param {number} at */
function isInside(text, at) {
    return BEGINNING.test(text[at]) && BEGINNING.test(text[at - 1]);
}
