// @ts-check
// The tags that a network was trained on, with how often; a click puts one into the prompt.
import { promptText, toggleText } from "./cards_prompt.js";
import { element } from "./dom.js";

/** @typedef {"txt2img" | "img2img"} Tab */
const FIRST = 48; // tags that show at once

/** A tag as a prompt takes it: its brackets are no attention. @param {string} tag */
const escaped = (tag) => tag.replace(/[()[\]{}\\]/g, "\\$&");

/** The part of a dialog with the tags. @param {[string, number][]} tags the most frequent first @param {Tab} tab @returns {HTMLElement} */
export function trainingTags(tags, tab) {
    const shown = element("div", { class: "card-tags" });
    const all = { type: "button", class: "plain card-more", onclick: () => show(tags.length) };
    const more = element("button", all, `Show all ${tags.length} tags`);
    const result = element("textarea", { rows: 2, readOnly: true, "aria-label": "Random prompt", translate: false, hidden: true });
    const take = { type: "button", hidden: true, onclick: () => toggleText(result.value, tab) };
    const insert = element("button", take, "Put it into the prompt");

    /** @param {number} count */
    function show(count) {
        shown.replaceChildren(...tags.slice(0, count).map(([tag, times]) => chip(tag, times, tab)));
        more.hidden = count >= tags.length;
    }

    function draw() {
        result.value = randomPrompt(tags);
        result.hidden = insert.hidden = false;
    }

    show(Math.min(FIRST, tags.length));
    return element("section", { class: "card-training", "aria-label": "Training tags" },
        element("div", { class: "toolbar" }, element("h3", { class: "grow" }, "Training tags"),
            element("button", { type: "button", onclick: draw }, "Random prompt from tags")),
        result, insert, shown, more);
}

/** @param {string} tag @param {number} times @param {Tab} tab */
function chip(tag, times, tab) {
    const words = escaped(tag);
    const there = promptText(tab, false).split(",").some((part) => part.trim() === words);
    const button = element("button", {
        type: "button", class: "plain chip card-tag", translate: false, "aria-pressed": String(there),
        onclick: () => button.setAttribute("aria-pressed", String(toggleText(words, tab))),
    }, tag, element("span", { class: "card-times" }, ` ${times}`));
    return button;
}

/**
 * Tags drawn at random, each as likely as it was in training compared to the most frequent one.
 * @param {[string, number][]} tags
 * @param {() => number} [chance] 0 to 1
 */
export function randomPrompt(tags, chance = Math.random) {
    const most = Math.max(...tags.map(([, times]) => times));
    return tags.filter(([, times]) => chance() * most < times).map(([tag]) => escaped(tag)).join(", ");
}
