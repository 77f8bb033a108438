// @ts-check
// The folders of models as a tree: collapsible, with how many cards each holds.
import { element } from "./dom.js";

/** @typedef {import("./cards_store.js").Card} Card */
/**
 * @typedef {object} Node
 * @property {string} path
 * @property {string} name
 * @property {Node[]} children
 * @property {HTMLElement} item
 * @property {HTMLElement} count
 */

/** The folder above one. @param {string} path */
const above = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** The tree. `element` is to be put into the page. */
export class FolderTree {
    /** @param {(path: string) => void} choose called with the chosen folder, "" for all */
    constructor(choose) {
        this.choose = choose;
        this.chosen = "";
        /** @type {Set<string>} folders whose children show */
        this.open = new Set([""]);
        /** @type {Map<string, Node>} */
        this.nodes = new Map();
        this.shape = "";
        /** @type {Card[] | undefined} */
        this.all = undefined;
        this.element = element("ul", {
            class: "card-folders", role: "tree", "aria-label": "Folders",
            onclick: (/** @type {MouseEvent} */ event) => this.clicked(event),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event),
        });
    }

    /** Show the folders of all cards, with the number of those that are shown. @param {Card[]} all @param {Card[]} shown */
    update(all, shown) {
        if (all !== this.all) this.look(all);
        /** @type {Map<string, number>} */
        const counts = new Map();
        for (const { folder = "" } of shown) counts.set(folder, (counts.get(folder) ?? 0) + 1);
        const total = new Map([...this.nodes.keys()].map((path) => [path, 0]));
        for (const [folder, count] of counts) {
            for (let path = folder; path; path = above(path)) total.set(path, (total.get(path) ?? 0) + count);
        }
        total.set("", shown.length);
        for (const [path, node] of this.nodes) {
            node.count.textContent = String(total.get(path));
            node.item.classList.toggle("none", !total.get(path));
        }
    }

    /** Build the tree anew if there are other folders than before. @param {Card[]} all */
    look(all) {
        this.all = all;
        const found = [...new Set(all.map((card) => card.folder ?? ""))];
        const folders = found.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
        const shape = folders.join("\n");
        if (shape !== this.shape || !this.nodes.size) this.build(folders);
        this.shape = shape;
    }

    /** @returns {boolean} whether there is more than one folder to choose from */
    get useful() {
        return this.nodes.size > 1;
    }

    /** @param {string[]} folders */
    build(folders) {
        this.nodes.clear();
        const root = this.node("", "All");
        for (const folder of folders) this.ensure(folder);
        if (!this.nodes.has(this.chosen)) this.chosen = "";
        this.element.replaceChildren(root.item);
        for (const [path, node] of this.nodes) {
            if (!node.children.length) continue;
            node.item.append(element("ul", { role: "group" }, ...node.children.map((child) => child.item)));
            node.item.setAttribute("aria-expanded", String(this.open.has(path)));
        }
        this.mark();
    }

    /** The node of a folder, and those above it. @param {string} path @returns {Node} */
    ensure(path) {
        const known = this.nodes.get(path);
        if (known) return known;
        const parent = this.ensure(above(path));
        const node = this.node(path, path.slice(path.lastIndexOf("/") + 1));
        parent.children.push(node);
        return node;
    }

    /** @param {string} path @param {string} name @returns {Node} */
    node(path, name) {
        const count = element("span", { class: "quiet" });
        const words = element("span", { class: "card-folder-name" }, name);
        if (path) words.translate = false;
        const twist = element("span", { class: "card-twist", "aria-hidden": "true" });
        const line = element("div", { class: "card-folder", title: path }, twist, words, count);
        const item = element("li", { role: "treeitem", tabIndex: -1, dataset: { path } }, line);
        const node = { path, name, children: [], item, count };
        this.nodes.set(path, node);
        return node;
    }

    mark() {
        for (const [path, { item }] of this.nodes) {
            item.setAttribute("aria-selected", String(path === this.chosen));
            item.tabIndex = path === this.chosen ? 0 : -1;
        }
    }

    /** @param {string} path */
    select(path) {
        this.chosen = path;
        this.mark();
        this.choose(path);
    }

    /** @param {string} path @param {boolean} [on] */
    toggle(path, on = !this.open.has(path)) {
        if (on) this.open.add(path);
        else this.open.delete(path);
        this.nodes.get(path)?.item.setAttribute("aria-expanded", String(on));
    }

    /** @param {MouseEvent} event */
    clicked({ target }) {
        const item = target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest("[role=treeitem]")) : null;
        const path = item?.dataset.path;
        if (path === undefined) return;
        if (/** @type {Element} */ (target).closest(".card-twist") && this.nodes.get(path)?.children.length) return this.toggle(path);
        this.toggle(path, true);
        this.select(path);
        item?.focus();
    }

    /** @param {KeyboardEvent} event */
    pressed(event) {
        if (!(event.target instanceof Element)) return;
        const item = /** @type {HTMLElement | null} */ (event.target.closest("[role=treeitem]"));
        if (!item) return;
        const path = item.dataset.path ?? "";
        const all = /** @type {HTMLElement[]} */ ([...this.element.querySelectorAll("[role=treeitem]")]);
        const seen = all.filter((each) => each.offsetParent);
        const place = seen.indexOf(item);
        const parent = /** @type {HTMLElement | null | undefined} */ (item.parentElement?.closest("[role=treeitem]"));
        const node = this.nodes.get(path);
        const expanded = this.open.has(path) && Boolean(node?.children.length);
        /** @type {Record<string, () => unknown>} */
        const keys = {
            ArrowDown: () => seen[place + 1]?.focus(),
            ArrowUp: () => seen[place - 1]?.focus(),
            Home: () => seen[0]?.focus(),
            End: () => seen.at(-1)?.focus(),
            ArrowRight: () => (expanded ? seen[place + 1]?.focus() : node?.children.length && this.toggle(path, true)),
            ArrowLeft: () => (expanded ? this.toggle(path, false) : parent?.focus()),
            Enter: () => this.select(path),
            " ": () => this.select(path),
        };
        if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
        keys[event.key]();
        event.preventDefault();
        event.stopPropagation();
    }
}
