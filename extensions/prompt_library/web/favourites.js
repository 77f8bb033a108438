// @ts-check
// Favourites: texts of a person's own under names, for both prompts; taken in from a file, and given out as one.
import { call, element, say } from "easel/extension.js";

/** @typedef {{name: string, text: string}} Favourite */

export class FavouritesView {
    /** @type {{positive: Favourite[], negative: Favourite[]}} */
    lists = { positive: [], negative: [] };

    /** @param {(text: string, negative: boolean) => unknown} put @param {() => string} current the prompt that is shown */
    constructor(put, current) {
        this.put = put;
        this.current = current;
        this.element = element("div", { class: "favourites" });
    }

    /** @param {{positive: Favourite[], negative: Favourite[]}} lists */
    set(lists) {
        this.lists = lists;
        this.draw();
    }

    draw() {
        const file = element("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => this.take_in(file) });
        const button = (/** @type {string} */ words, /** @type {() => unknown} */ act) => element("button", { type: "button", translate: "yes", onclick: act }, words);
        this.element.replaceChildren(
            element("div", { class: "toolbar" }, button("Keep the prompt", () => this.add("positive")), button("Keep it for the negative prompt", () => this.add("negative")),
                button("Import", () => file.click()), button("Export", () => this.give_out()), file),
            this.list("positive", "For the prompt"), this.list("negative", "For the negative prompt"));
    }

    /** @param {"positive" | "negative"} side @param {string} title */
    list(side, title) {
        const rows = this.lists[side].map((one, place) => {
            const name = element("input", { type: "text", value: one.name, maxLength: 200, "aria-label": "Name", onchange: () => this.change(side, place, { ...one, name: name.value.trim() || one.name }) });
            const button = (/** @type {string} */ sign, /** @type {string} */ words, /** @type {() => unknown} */ act) =>
                element("button", { type: "button", "aria-label": `${words} ${one.name}`, title: words, onclick: act }, sign);
            return element("li", {}, name, element("button", { type: "button", class: "tag text", title: one.text, onclick: () => this.put(one.text, side === "negative") }, one.text),
                button("↑", "Up", () => this.move(side, place, -1)), button("↓", "Down", () => this.move(side, place, 1)), button("×", "Delete", () => this.change(side, place)));
        });
        return element("section", {}, element("h3", { translate: "yes" }, title), rows.length ? element("ul", {}, ...rows) : element("p", { class: "quiet", translate: "yes" }, "None yet."));
    }

    /** @param {"positive" | "negative"} side */
    add(side) {
        const text = this.current().trim();
        if (!text) return say("The prompt is empty.");
        this.save({ ...this.lists, [side]: [...this.lists[side], { name: text.slice(0, 30), text }] });
    }

    /** @param {"positive" | "negative"} side @param {number} place @param {Favourite} [other] none: it goes */
    change(side, place, other) {
        this.save({ ...this.lists, [side]: this.lists[side].toSpliced(place, 1, ...(other ? [other] : [])) });
    }

    /** @param {"positive" | "negative"} side @param {number} place @param {1 | -1} direction */
    move(side, place, direction) {
        const list = [...this.lists[side]];
        const to = place + direction;
        if (to < 0 || to >= list.length) return;
        list.splice(to, 0, ...list.splice(place, 1));
        this.save({ ...this.lists, [side]: list });
    }

    /** @param {{positive: Favourite[], negative: Favourite[]}} lists */
    async save(lists) {
        const answer = await call("webui/extensions/prompt_library/favourites", { method: "PUT", json: lists });
        if (answer !== undefined) this.set(lists);
    }

    /** @param {any} file the input */
    async take_in(file) {
        const text = await file.files[0]?.text().catch(() => "");
        if (text === undefined) return;
        try {
            const read = JSON.parse(text);
            const more = (/** @type {string} */ side) => (read[side] ?? []).map((/** @type {any} */ one) => ({ name: String(one.name), text: String(one.text) }));
            await this.save({ positive: [...this.lists.positive, ...more("positive")], negative: [...this.lists.negative, ...more("negative")] });
        } catch {
            say("This file holds no favourites.", "It must be one that Export has written.");
        }
    }

    give_out() {
        const address = URL.createObjectURL(new Blob([JSON.stringify(this.lists, null, 1)], { type: "application/json" }));
        element("a", { href: address, download: "favourites.json" }).click();
        setTimeout(() => URL.revokeObjectURL(address), 1000);
    }
}
