// @ts-check
// What the library shows, in the tab and in the panel alike: the prompt as chips, a search, and the shelves.
import { call, element, formTab, onPromptInput, promptBox, say, setPrompt, toggleWords } from "easel/extension.js";
import { Chips, keepingFocus } from "./chips.js";
import { partsOf } from "./chips_text.js";
import { FavouritesView } from "./favourites.js";
import { inspiration } from "./inspiration.js";

/** @typedef {[string, Record<string, string>]} Tag the English text, and names by language */
/** @typedef {{name: string, own: boolean, groups: {name: string, tags: Tag[]}[]}} Category */

const FOUND = 60; // tags that a search shows
const AGAIN = 400; // milliseconds between looks at the prompt, which the program changes without an event

export class LibraryView {
    negative = false;
    /** Entries of a random set that is being put together; undefined while none is. @type {string[] | undefined} */
    set = undefined;
    at = 0;
    /** @type {Category[]} */
    categories = [];
    language = "zh";

    /** @param {() => void} [close] for a panel */
    constructor(close) {
        this.chips = new Chips(() => ({ tab: formTab(), negative: this.negative }));
        this.favourites = new FavouritesView((text, negative) => this.put(text, negative), () => promptBox({ negative: this.negative })?.value ?? "");
        this.search = element("input", {
            type: "search", placeholder: "Search the library", "aria-label": "Search the library", translate: "yes", autocomplete: "off",
            oninput: () => this.shelves(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.searchKey(event),
        });
        this.tabs = element("div", { class: "categories", role: "tablist", "aria-label": "Categories", onkeydown: (/** @type {KeyboardEvent} */ event) => this.tabKey(event) });
        this.body = element("div", {
            class: "shelves", translate: "no", onclick: (/** @type {Event} */ event) => this.clicked(event, false),
            oncontextmenu: (/** @type {Event} */ event) => this.clicked(event, true),
            onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && event.shiftKey && (this.clicked(event, true), event.preventDefault()),
        });
        const button = (/** @type {string} */ words, /** @type {() => unknown} */ act, more = {}) => element("button", { type: "button", onclick: act, ...more }, words);
        this.positive_button = button("Prompt", () => this.side(false), { "aria-pressed": "true" });
        this.negative_button = button("Negative prompt", () => this.side(true), { "aria-pressed": "false" });
        this.set_button = button("Random set", () => this.gather(), { "aria-pressed": "false", title: "The next words that you click become #[a, b, c]: one of them for each picture" });
        this.element = element("div", { class: "webui prompt-library" },
            element("div", { class: "toolbar" }, this.positive_button, this.negative_button, element("span", { class: "grow" }),
                button("Clear", () => (keepingFocus(() => setPrompt({ negative: this.negative }, "")), this.follow())), this.set_button,
                button("Inspiration", () => this.inspire()), close && button("Close", close)),
            this.chips.element, this.search, this.tabs, this.body);
        onPromptInput(() => this.follow());
        setInterval(() => this.element.isConnected && this.element.offsetParent && this.follow(), AGAIN);
    }

    async load() {
        const found = await call("webui/extensions/prompt_library/library");
        if (!found) return;
        this.categories = found.categories;
        this.settings = found.settings;
        this.language = found.settings.language;
        this.folder = found.folder;
        this.favourites.set(found.favourites);
        for (const problem of found.problems) say(problem);
        this.drawTabs();
        this.follow(true);
    }

    /** @param {boolean} negative */
    side(negative) {
        this.negative = negative;
        this.positive_button.setAttribute("aria-pressed", String(!negative));
        this.negative_button.setAttribute("aria-pressed", String(negative));
        this.follow(true);
    }

    drawTabs() {
        const names = [...this.categories.map(({ name, own }) => ({ name, own })), { name: "Favourites", own: false }];
        this.at = Math.min(this.at, names.length - 1);
        this.tabs.replaceChildren(...names.map(({ name, own }, place) => element("button", {
            type: "button", role: "tab", "aria-selected": String(place === this.at), tabIndex: place === this.at ? 0 : -1,
            translate: own ? "no" : "yes", onclick: () => this.show(place),
        }, name)));
        this.shelves();
    }

    /** @param {number} place */
    show(place) {
        this.at = place;
        this.search.value = "";
        for (const [one, tab] of [...this.tabs.children].entries()) {
            tab.setAttribute("aria-selected", String(one === place));
            tab.tabIndex = one === place ? 0 : -1;
        }
        this.shelves();
    }

    /** @param {KeyboardEvent} event */
    tabKey(event) {
        const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!move) return;
        event.preventDefault();
        this.show((this.at + move + this.tabs.children.length) % this.tabs.children.length);
        /** @type {HTMLElement} */ (this.tabs.children[this.at]).focus();
    }

    /** The groups of the chosen category, or what a search finds. */
    shelves() {
        const wanted = this.search.value.trim().toLowerCase();
        if (wanted) this.body.replaceChildren(this.group("Found", this.found(wanted), false));
        else if (this.at >= this.categories.length) this.body.replaceChildren(this.favourites.element);
        else {
            const { groups, own } = this.categories[this.at];
            this.body.replaceChildren(...groups.map((group) => this.group(group.name, group.tags, own)));
            if (own) this.body.append(element("p", { class: "quiet" }, this.folder));
        }
        this.mark();
    }

    /** Tags whose English or other name has a text, those that begin with it first. @param {string} wanted @returns {Tag[]} */
    found(wanted) {
        /** @type {Map<string, {tag: Tag, rank: number}>} */
        const hits = new Map();
        for (const { groups } of this.categories) for (const { tags } of groups) for (const tag of tags) {
            const names = [tag[0], ...Object.values(tag[1])].map((name) => name.toLowerCase()).filter((name) => name.includes(wanted));
            const ranks = names.map((name) => name.indexOf(wanted) * 100 + name.length); // the whole name first, then its beginning
            if (ranks.length && !hits.has(tag[0])) hits.set(tag[0], { tag, rank: Math.min(...ranks) });
        }
        return [...hits.values()].sort((one, other) => one.rank - other.rank).slice(0, FOUND).map(({ tag }) => tag);
    }

    /** @param {string} name @param {Tag[]} tags @param {boolean} own */
    group(name, tags, own) {
        return element("section", {}, element("h3", { translate: own ? "no" : "yes" }, name), element("div", { class: "tags" },
            ...tags.map(([english, names]) => element("button", { type: "button", class: "tag", dataset: { english }, title: `${english} · ${Object.values(names).join(" · ")}` },
                element("span", {}, names.own ?? english), element("small", {}, names.own ? english : names[this.language] ?? "")))));
    }

    /** ↓ goes into what was found, Enter takes the first, with Shift into the negative prompt. @param {KeyboardEvent} event */
    searchKey(event) {
        if (event.isComposing) return;
        const first = /** @type {HTMLElement | null} */ (this.body.querySelector(".tag"));
        if (event.key === "ArrowDown" && first) first.focus();
        else if (event.key === "Enter" && first && this.search.value.trim()) this.take(first.dataset.english ?? "", event.shiftKey);
        else if (event.key === "Escape" && this.search.value) {
            this.search.value = "";
            this.shelves();
        } else return;
        event.preventDefault();
        event.stopPropagation();
    }

    /** @param {Event} event @param {boolean} right */
    clicked(event, right) {
        const button = /** @type {HTMLElement | null} */ (event.target instanceof Element ? event.target.closest(".tag[data-english]") : null);
        if (!button) return;
        event.preventDefault();
        this.take(button.dataset.english ?? "", right);
        button.focus({ preventScroll: true });
    }

    /** Put a tag into a prompt, or take it out; a set that is being put together gets it instead. @param {string} english @param {boolean} right */
    take(english, right) {
        if (this.set) {
            const place = this.set.indexOf(english);
            if (place < 0) this.set.push(english);
            else this.set.splice(place, 1);
            this.set_button.textContent = `Put in: #[${this.set.join(", ")}]`;
            this.set_button.translate = false;
            return this.mark();
        }
        return this.put(english, right !== this.negative);
    }

    /** @param {string} text @param {boolean} negative */
    put(text, negative) {
        const tab = formTab();
        const box = promptBox({ tab, negative });
        if (!box) return;
        const start = this.settings?.start;
        const there = partsOf(box.value).find((part) => part.text.toLowerCase() === text.toLowerCase());
        if (!negative && start && !box.value) keepingFocus(() => setPrompt({ tab }, start));
        /** @type {() => [number, number] | undefined} */
        const same = () => there && [there.start, there.end + (there.start === 0 ? box.value.slice(there.end).match(/^[,，\s]*/)?.[0].length ?? 0 : 0)];
        keepingFocus(() => toggleWords(text, { negative, tab, same }));
        this.follow();
    }

    /** Begin a random set, or put it into the prompt. */
    gather() {
        const { set } = this;
        this.set = set ? undefined : [];
        this.set_button.setAttribute("aria-pressed", String(!set));
        this.set_button.translate = true;
        this.set_button.textContent = set ? "Random set" : "Click words for the set";
        if (set && set.length > 1) this.put(`#[${set.join(", ")}]`, this.negative);
        this.mark();
    }

    async inspire() {
        if (!this.categories.length) await this.load();
        const words = inspiration(this.categories, { start: this.settings?.start, end: this.settings?.end });
        keepingFocus(() => setPrompt({ negative: false }, words));
        this.side(false);
    }

    /** @param {boolean} [force] */
    follow(force = false) {
        this.chips.follow(force);
        this.mark();
    }

    /** Show which tags are in the prompts. */
    mark() {
        const used = (/** @type {boolean} */ negative) => new Set(partsOf(promptBox({ negative })?.value ?? "").map((part) => part.text.toLowerCase()));
        const [positive, negative] = [used(false), used(true)];
        for (const tag of this.body.querySelectorAll(".tag[data-english]")) {
            const english = /** @type {HTMLElement} */ (tag).dataset.english?.toLowerCase() ?? "";
            tag.classList.toggle("used", positive.has(english));
            tag.classList.toggle("used-negative", negative.has(english));
            tag.classList.toggle("in-set", this.set?.includes(english) ?? false);
            tag.setAttribute("aria-pressed", String(positive.has(english) || negative.has(english)));
        }
    }
}
