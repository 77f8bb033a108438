// @ts-check
// All tags with how many pictures have them: a click shows those, and what is done to a tag is done to all of them.
import { choice } from "./dataset_fields.js";
import { afterwards, element } from "./dom.js";

const MOST = 400; // more are found by the search

export class TagsPanel {
    /** @param {any} owner the <webui-dataset> */
    constructor(owner) {
        this.owner = owner;
        this.search = element("input", { type: "search", class: "grow", placeholder: "Search tags", "aria-label": "Search tags",
            oninput: afterwards(() => this.cloud(), 120) });
        this.order = choice("Order", { count: "Most frequent", name: "By name" }, { onchange: () => this.cloud() });
        this.list = element("ul", { class: "dataset-cloud", "aria-label": "Tags" });
        this.more = element("p", { class: "quiet" });
        this.field = element("input", { type: "text", class: "grow", "aria-label": "New name", placeholder: "New name",
            translate: false, spellcheck: false });
        this.title = element("h3", {});
        this.work = element("form", { class: "dataset-stack panel dataset-tag-work", hidden: true,
            onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.rename(); } },
            this.title, element("div", { class: "toolbar" }, this.field, element("button", { type: "submit", class: "primary" },
                "Rename")),
            element("div", { class: "toolbar" }, element("button", { type: "button", onclick: () => this.choose() },
                "Select its pictures"),
                element("button", { type: "button", onclick: () => this.edit({ kind: "remove", tags: [this.tag] }) },
                    "Remove everywhere"),
                element("button", { type: "button", onclick: () => this.front() }, "Put in front")));
        this.element = element("div", { class: "dataset-stack" }, element("div", { class: "toolbar" }, this.search, this.order),
            this.work, this.list, this.more);
    }

    get tag() {
        return this.owner.grid.tag;
    }

    draw() {
        this.cloud();
        this.select();
    }

    cloud() {
        const words = this.search.value.trim().toLowerCase();
        /** @type {[string, number][]} */
        const all = (this.owner.current?.statistics.tags ?? []).filter((/** @type {[string,
            number]} */ [tag]) => tag.toLowerCase().includes(words));
        if (this.order.value === "name") all.sort(([one], [other]) => one.localeCompare(other));
        this.list.replaceChildren(...all.slice(0, MOST).map(([tag, count]) => element("li", {}, element("button", {
            type: "button", class: "dataset-tag", "aria-pressed": String(tag === this.tag), translate: false, dataset: { tag },
            onclick: () => this.owner.grid.byTag(tag === this.tag ? "" : tag),
        }, tag, element("small", {}, count)))));
        const more = all.length > MOST ? `${all.length - MOST} more tags: search for them.` : "";
        this.more.textContent = all.length ? more : "There are no tags.";
    }

    /** The tag that is shown may be another one. */
    select() {
        for (const button of this.list.querySelectorAll(".dataset-tag")) button.setAttribute("aria-pressed",
            String(button.dataset.tag === this.tag));
        this.work.hidden = !this.tag;
        if (this.tag && this.title.dataset.tag !== this.tag) this.field.value = this.tag;
        this.title.dataset.tag = this.tag;
        this.title.replaceChildren(element("span", { translate: false }, this.tag));
    }

    choose() {
        this.owner.grid.select(this.owner.grid.shown.map((/** @type {any} */ { name }) => name));
    }

    rename() {
        this.edit({ kind: "replace", find: this.tag, tags: [this.field.value] });
    }

    /** The tag is taken out and put in front: two changes, each of which can be taken back. */
    async front() {
        const { tag, owner } = this;
        const names = owner.grid.shown.map((/** @type {any} */ { name }) => name);
        if (!(await owner.call("edit", { names, edit: { kind: "remove", tags: [tag] }, dry: false }))) return;
        if (await owner.call("edit", { names, edit: { kind: "add", tags: [tag], at: "front" }, dry: false })) await owner.changed();
    }

    /** @param {any} edit of all captions */
    async edit(edit) {
        if (!(await this.owner.call("edit", { names: [], edit, dry: false }))) return;
        this.owner.grid.byTag("", false);
        await this.owner.changed();
    }
}
