// @ts-check
// One card: picture, name, family, what is wrong with its file, and the buttons on it.
import { FAMILIES, pictureOf } from "./cards_store.js";
import { element, tool } from "./dom.js";

/** @typedef {import("./cards_store.js").Card} Card */
/** @typedef {import("./cards_store.js").Kind} Kind */

/**
 * Fill a cell with a card. Its picture comes later, by `showPicture`.
 * @param {HTMLElement} cell
 * @param {Card} card
 * @param {{used: boolean, chosen: string, edit: () => void, copy: () => void, reason: string}} how `chosen` says what it is when it is
 *     used, `reason` why it does not fit
 */
export function drawCard(cell, card, { used, chosen, edit, copy, reason }) {
    cell.classList.add("card");
    cell.classList.toggle("problem", Boolean(card.problem));
    cell.title = card.problem ?? [card.key, card.description].filter(Boolean).join("\n");
    cell.translate = false;
    const family = FAMILIES[card.family ?? ""];
    const about = card.problem ?? card.description ?? "";
    cell.replaceChildren(
        element("div", { class: "card-picture", "aria-hidden": "true", dataset: { initial: [...card.name][0]?.toUpperCase() ?? "" } }),
        element("div", { class: "card-words" },
            element("span", { class: "card-name" }, card.name),
            about && element("span", { class: card.problem ? "card-about wrong" : "card-about" }, about),
            element("span", { class: "card-used", translate: true }, chosen)),
        element("div", { class: "card-top" },
            family && element("span", { class: "card-family", title: reason }, family),
            element("span", { class: "card-tools" },
                tool("card-edit", "Notes, trigger words and picture", edit, { translate: true }),
                tool("card-copy", "Copy the name", copy, { translate: true }))),
    );
    markCard(cell, used);
}

/** Show whether a card's model is in the prompt. @param {HTMLElement} cell @param {boolean} used */
export function markCard(cell, used) {
    cell.classList.toggle("used", used);
}

/** Put a card's picture in. @param {HTMLElement} cell @param {Kind} kind @param {Card} card */
export function showPicture(cell, kind, card) {
    const place = cell.querySelector(".card-picture");
    if (!card.picture || !place || place.querySelector("img")) return;
    const image = element("img", { alt: "", decoding: "async", draggable: false, onerror: () => image.remove() });
    image.src = pictureOf(kind, card);
    place.append(image);
}
