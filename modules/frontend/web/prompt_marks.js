// @ts-check
// Marks behind the words of a prompt: weights, networks, wildcards, comments, brackets without a partner. The text stays the field's
// own, so typing, selecting, undo and screen readers know nothing of it; below the field lies a copy with its colours and no letters.
import { element } from "./dom.js";
import { heeded } from "./live_settings.js";
import { setting } from "./page_settings.js";
import { style } from "./parts.js";

/** @typedef {"network" | "wildcard" | "keyword" | "comment" | "weighted" | "problem" | ""} Kind */

const WATCH = 300; // milliseconds between two looks at what the program may fill without an event
/** @type {[Kind, RegExp][]} a later one does not mark what an earlier one has */
const NAMES = [
    ["comment", /#.*/g], ["network", /<[a-z]+:[^<>\n]+>/gi], ["wildcard", /__\S+?__/g], ["keyword", /\b(?:AND|BREAK)\b/g],
];
const PARTNERS = /** @type {Record<string, string>} */ ({ ")": "(", "]": "[", "}": "{" });
/** What decides where a letter stands. */
const METRICS = /** @type {const} */ (["font", "letterSpacing", "wordSpacing", "lineHeight", "textIndent", "textTransform", "tabSize",
    "paddingTop", "paddingRight", "paddingBottom", "paddingLeft", "textAlign", "direction"]);

/** What each sign of a prompt is. @param {string} text @returns {Kind[]} one for each UTF-16 unit */
export function kindsOf(text) {
    const kinds = /** @type {Kind[]} */ (Array(text.length).fill(""));
    for (const [kind, pattern] of NAMES) {
        for (const { index, 0: found } of text.matchAll(pattern)) {
            if (!kinds[index]) kinds.fill(kind, index, index + found.length);
        }
    }
    /** @type {number[]} */
    const open = [];
    for (let place = 0; place < text.length; place++) {
        const sign = text[place];
        if (kinds[place] === "comment" || kinds[place] === "network") continue;
        if (sign === "\\") place++;
        else if ("([{".includes(sign)) open.push(place);
        else if (sign in PARTNERS) {
            const begin = open.findLastIndex((each) => text[each] === PARTNERS[sign]);
            const [start, ...strays] = begin < 0 ? [place, place] : open.splice(begin);
            for (const stray of strays) kinds[stray] = "problem";
            if (begin >= 0 && sign !== "}") for (let each = start; each <= place; each++) kinds[each] ||= "weighted";
        }
    }
    for (const stray of open) kinds[stray] = "problem";
    return kinds;
}

/** A field with its copy below it. */
class Marked {
    text = "\0"; // none that a prompt can be

    /** @param {HTMLTextAreaElement} field */
    constructor(field) {
        this.field = field;
        this.copy = element("div", { class: "prompt-marks", "aria-hidden": "true", translate: "no" });
        field.before(this.copy);
        this.sight = new ResizeObserver(() => this.measure());
        this.sight.observe(field);
        this.end = new AbortController();
        const { signal } = this.end;
        field.addEventListener("input", () => this.draw(), { signal });
        field.addEventListener("scroll", () => this.follow(), { signal, passive: true });
        field.classList.add("marked");
        this.measure();
    }

    /** Lie where the field lies, with its letters where its letters are. */
    measure() {
        const { field, copy } = this;
        const look = getComputedStyle(field);
        for (const name of METRICS) copy.style[name] = look[name];
        const from = copy.offsetParent?.getBoundingClientRect();
        const at = field.getBoundingClientRect();
        if (!from) return;
        Object.assign(copy.style, {
            left: `${at.left - from.left + field.clientLeft}px`, top: `${at.top - from.top + field.clientTop}px`,
            width: `${field.clientWidth}px`, height: `${field.clientHeight}px`,
        });
        this.draw();
    }

    draw() {
        const text = this.field.value;
        if (text !== this.text) {
            this.text = text;
            const kinds = kindsOf(text);
            const runs = [];
            for (let start = 0; start < text.length;) {
                let end = start + 1;
                while (end < text.length && kinds[end] === kinds[start]) end++;
                const words = text.slice(start, end);
                runs.push(kinds[start] ? element("span", { class: kinds[start] }, words) : words);
                start = end;
            }
            this.copy.replaceChildren(...runs, "\u200b"); // a last line that is empty has its height, too
        }
        this.follow();
    }

    follow() {
        this.copy.scrollTop = this.field.scrollTop;
    }

    leave() {
        this.end.abort();
        this.sight.disconnect();
        this.copy.remove();
        this.field.classList.remove("marked");
    }
}

/** @type {Map<HTMLTextAreaElement, Marked>} */
const shown = new Map();
let timer = 0;

/** Mark the fields that are there, and follow what the program fills. */
function look() {
    for (const field of /** @type {NodeListOf<HTMLTextAreaElement>} */ (document.querySelectorAll(".prompt-row textarea"))) {
        if (!shown.has(field)) shown.set(field, new Marked(field));
    }
    for (const [field, marked] of shown) {
        if (!field.isConnected) {
            marked.leave();
            shown.delete(field);
        } else if (field.value !== marked.text) marked.draw();
    }
}

function follow() {
    const wanted = setting("prompt_highlight", false);
    if (wanted === Boolean(timer)) return;
    clearInterval(timer);
    timer = 0;
    if (wanted) {
        style("prompt_marks");
        timer = window.setInterval(look, WATCH);
        return look();
    }
    for (const marked of shown.values()) marked.leave();
    shown.clear();
}

export function startPromptMarks() {
    heeded.addEventListener("change", follow);
    follow();
}
