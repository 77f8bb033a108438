// @ts-check
// The workbench's pictures: searched, selected, shown with their captions.
import { choice } from "./dataset_fields.js";
import { afterwards, element } from "./dom.js";
import { VirtualGrid } from "./virtual_grid.js";

const WORDS = 44; // pixels below a picture, for its caption
const SIDE = 320;
const SMALL = 132;

/** @typedef {import("./dataset.js").Picture} Picture */
/** @type {Record<string, (picture: Picture) => boolean>} */
const KINDS = {
    all: () => true,
    bare: ({ caption }) => !caption,
    wrong: ({ problem, encoding }) => Boolean(problem || encoding),
    mask: ({ mask }) => mask,
};

export class Pictures {
    /** @type {Picture[]} what is shown */
    shown = [];
    tag = "";

    /** @param {any} owner the <webui-dataset> */
    constructor(owner) {
        this.owner = owner;
        this.search = element("input", { type: "search", class: "grow", placeholder: "Search captions and names",
            "aria-label": "Search captions and names",
            oninput: afterwards(() => this.draw(), 150) });
        this.kind = choice("Which pictures", {
            all: "All pictures", bare: "Without a caption", wrong: "That cannot be used", mask: "With a mask",
        }, { onchange: () => this.draw() });
        this.chip = element("button", { type: "button", class: "dataset-tag on", hidden: true, translate: false,
            title: "Show all tags again", onclick: () => this.byTag("") });
        this.all = element("button", { type: "button",
            onclick: () => this.select(this.grid.selection.size ? [] : this.shown.map(({ name }) => name)) }, "Select all");
        this.count = element("span", { class: "quiet", role: "status" });
        this.grid = new VirtualGrid({
            label: "Pictures of the data set", cell: SMALL, gap: 8, selectable: true, height: (width) => width + WORDS,
            keyOf: (index) => this.shown[index]?.name,
            render: (index, cell) => this.render(this.shown[index], cell),
            load: (index, cell) => this.load(this.shown[index], cell),
            onopen: (index) => this.select([this.shown[index].name]),
            onselect: () => this.marked(),
        });
        this.none = element("p", { class: "empty", hidden: true }, "No picture is like that.");
        this.element = element("div", { class: "dataset-pictures" },
            element("div", { class: "toolbar" }, this.search, this.kind, this.chip, this.all, this.count), this.none, this.grid.element);
    }

    reset() {
        this.search.value = "";
        this.kind.value = "all";
        this.byTag("", false);
        this.grid.reset();
    }

    draw() {
        const words = this.search.value.trim().toLowerCase();
        const separator = ",";
        this.shown = this.owner.pictures.filter((/** @type {Picture} */ picture) => KINDS[this.kind.value](picture)
            && (!words || `${picture.name} ${picture.caption ?? ""}`.toLowerCase().includes(words))
            && (!this.tag || tagsOf(picture.caption, separator).includes(this.tag.toLowerCase())));
        const there = new Set(this.shown.map(({ name }) => name));
        const kept = [...this.grid.selection].filter((name) => there.has(String(name)));
        if (kept.length !== this.grid.selection.size) this.grid.select(kept);
        this.grid.update({ count: this.shown.length });
        this.none.hidden = Boolean(this.shown.length);
        this.marked();
    }

    /** Show only pictures with a tag; all for an empty one. @param {string} tag @param {boolean} [draw] */
    byTag(tag, draw = true) {
        this.tag = tag;
        this.chip.hidden = !tag;
        this.chip.textContent = `${tag} ×`;
        if (draw) {
            this.draw();
            this.owner.panel("tags").select();
        }
    }

    /** @param {Picture} picture @param {HTMLElement} cell */
    render(picture, cell) {
        const caption = picture.caption || "";
        const badges = [picture.problem && element("span", { class: "dataset-badge wrong", title: picture.detail }, picture.problem),
            picture.encoding && element("span", { class: "dataset-badge wrong" }, "not UTF-8"),
            picture.repeats > 1 && element("span", { class: "dataset-badge", title: "How often it is shown in an epoch",
                translate: false }, `× ${picture.repeats}`),
            picture.mask && element("span", { class: "dataset-badge" }, "mask")];
        const said = picture.problem ? picture.detail : caption || (picture.caption === null ? "No caption" : "Empty caption");
        cell.title = `${picture.name}\n${picture.width}×${picture.height}\n${caption}`;
        cell.setAttribute("aria-label", `${picture.name}. ${said}`);
        cell.replaceChildren(element("span", { class: "dataset-frame" }, element("img", { alt: "", draggable: false })),
            element("span", { class: "cell-box icon-dataset-check", dataset: { select: "" }, "aria-hidden": "true" }),
            element("span", { class: "dataset-badges" }, ...badges),
            element("span", { class: "dataset-said", dataset: { bare: caption ? "" : "yes" }, translate: caption ? false : undefined },
                element("span", {}, said)));
    }

    /** @param {Picture} picture @param {HTMLElement} cell */
    load(picture, cell) {
        const image = /** @type {HTMLImageElement | null} */ (cell.querySelector("img"));
        if (!image || picture.problem) return;
        image.onload = () => image.classList.add("there");
        image.src = this.owner.address(picture, SIDE);
    }

    /** @param {Iterable<string>} names */
    select(names) {
        const list = [...names];
        this.grid.select(list);
        const first = this.shown.findIndex(({ name }) => name === list[0]);
        if (list.length && first >= 0 && list.length < this.shown.length) this.grid.show(first, { focus: false });
    }

    marked() {
        const many = this.grid.selection.size;
        this.all.textContent = many ? "Select none" : "Select all";
        this.count.textContent = many ? `${many} of ${this.shown.length}` : `${this.shown.length}`;
        if (this.owner.panels) this.owner.selected();
    }

    /** The names that are selected, in the order of the grid. @returns {string[]} */
    chosen() {
        return this.shown.filter(({ name }) => this.grid.selection.has(name)).map(({ name }) => name);
    }

    /** @param {string} name @returns {Picture | undefined} */
    of(name) {
        return this.owner.pictures.find((/** @type {Picture} */ picture) => picture.name === name);
    }
}

/** A caption's tags in small letters. @param {string | null} caption @param {string} separator */
const tagsOf = (caption, separator) => (caption ?? "").toLowerCase().split(separator).map((tag) => tag.trim().replace(/\s+/g, " "));
