// @ts-check
// A grid, or a list, of very many cells: only those in sight are in the page. Keyboard, selection, headings between groups.
import { element } from "./dom.js";
import { Layout } from "./virtual_layout.js";

const MARGIN = 300; // pixels above and below the sight that are built too
const PAUSE = 70; // milliseconds without scrolling before `load` is called
const LONG_PRESS = 450;
const NEARBY = 5000; // how far an item is looked for that moved when the data changed

/** @typedef {string | number} Key */
/** @typedef {import("./virtual_layout.js").Section} Section */
/**
 * What a grid is made from.
 * @typedef {object} GridOptions
 * @property {string} label its name for screen readers
 * @property {(index: number, cell: HTMLElement) => void} render fills a cell; called again after `refresh` and `update`. Cheap.
 * @property {(index: number, cell: HTMLElement) => void} [load] what is dear, such as pictures, once a cell has stood still a moment
 * @property {(first: number, last: number) => void} [onsight] which items are in sight, once scrolling has paused; `last` is included
 * @property {(index: number) => Key | undefined} [keyOf] what an item is known by, its index if missing; the selection and the scroll
 *     position hold on to it
 * @property {number} [cell] the least width of a cell in pixels, 160; cells grow to fill the row. Infinity makes a list
 * @property {number | ((width: number) => number)} [height] of a cell of that width; as wide if missing
 * @property {number} [gap] between cells in pixels, 8
 * @property {number} [heading] the height of a section's heading in pixels, 34
 * @property {boolean} [selectable] true: Ctrl, Shift, Space and a long press select
 * @property {(index: number, event: Event) => void} [onopen] Enter, or a click that selects nothing
 * @property {(selection: Set<Key>) => void} [onselect]
 * @property {(event: KeyboardEvent, index: number) => void} [onkey] any other key on a cell
 */

/** The grid. Put `element` into the page; it scrolls by itself and takes the height that its style gives it. */
export class VirtualGrid {
    /** @param {GridOptions} options */
    constructor(options) {
        this.options = { cell: 160, gap: 8, heading: 34, selectable: false, ...options };
        this.count = 0;
        /** @type {Section[]} */
        this.sections = [];
        /** @type {Set<Key>} */
        this.selection = new Set();
        this.active = this.pivot = 0;
        /** @type {Key | undefined} */
        this.activeKey = undefined;
        /** @type {{key: Key | undefined, index: number, offset: number} | undefined} */
        this.anchor = undefined;
        /** @type {Map<number, HTMLElement>} */
        this.cells = new Map();
        /** @type {Map<string, HTMLElement>} */
        this.rows = new Map();
        /** @type {WeakSet<HTMLElement>} */
        this.loaded = new WeakSet();
        this.space = element("div", { role: "presentation", style: { position: "relative" } });
        this.element = /** @type {HTMLElement} */ (element("div", {
            class: "virtual-grid", role: "grid", "aria-label": options.label, "aria-multiselectable": String(this.options.selectable),
            style: { overflowY: "auto", overflowX: "hidden", position: "relative" },
            onscroll: () => this.scrolled(), onclick: (/** @type {MouseEvent} */ event) => this.clicked(event),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event),
            onfocusin: (/** @type {FocusEvent} */ event) => this.focused(event),
        }, this.space));
        this.listenForLongPress();
        this.layout = this.measured();
        new ResizeObserver(() => this.resized()).observe(this.element);
    }

    /**
     * Show other data. The item that stood at the top of the sight stays there, wherever it is now.
     * @param {{count: number, sections?: Section[]}} data
     */
    update({ count, sections = [] }) {
        this.count = count;
        this.sections = sections;
        this.activate(Math.max(0, Math.min(this.find(this.activeKey, this.active) ?? this.active, count - 1)));
        this.clear();
        this.rebuilt();
    }

    /** Back to the top, with nothing selected: for a new search. */
    reset() {
        this.anchor = undefined;
        this.pivot = 0;
        this.activeKey = undefined;
        this.activate(0);
        this.element.scrollTop = 0;
        this.select([]);
    }

    /** Fill cells anew: one, or all that are in the page. @param {number} [index] */
    refresh(index) {
        for (const [place, cell] of this.cells) {
            if (index !== undefined && place !== index) continue;
            this.loaded.delete(cell);
            this.fill(place, cell);
        }
        this.still();
    }

    /** Other measures: the least width of a cell and its height. @param {Partial<GridOptions>} options */
    resize(options) {
        Object.assign(this.options, options);
        this.clear();
        this.rebuilt();
    }

    /** @param {number} index @param {{focus?: boolean, center?: boolean}} [how] */
    show(index, { focus = true, center = false } = {}) {
        if (!this.count) return;
        this.activate(Math.max(0, Math.min(index, this.count - 1)));
        const top = this.layout.top(this.active);
        const [sight, height] = [this.element.scrollTop, this.element.clientHeight];
        const bottom = top + this.layout.cellHeight;
        if (center) this.element.scrollTop = top - (height - this.layout.cellHeight) / 2;
        else if (top < sight) this.element.scrollTop = Math.max(0, top - (this.sections.length ? this.options.heading : 0));
        else if (bottom > sight + height) this.element.scrollTop = bottom - height;
        this.draw();
        if (focus) this.cells.get(this.active)?.focus({ preventScroll: true });
    }

    /** Select these and no others. @param {Iterable<Key>} keys */
    select(keys) {
        this.selection = new Set(keys);
        for (const [index, cell] of this.cells) this.mark(index, cell);
        this.options.onselect?.(this.selection);
    }

    /** @param {number} index @param {boolean} [on] the other way round if missing */
    toggle(index, on) {
        const key = this.keyOf(index);
        if (key === undefined) return;
        const keys = new Set(this.selection);
        if (on ?? !keys.has(key)) keys.add(key);
        else keys.delete(key);
        this.pivot = index;
        this.select(keys);
    }

    /** Select from the last one that was chosen to this one. @param {number} index */
    extend(index) {
        this.selectBetween(Math.min(this.pivot, index), Math.max(this.pivot, index));
    }

    /** @param {number} first @param {number} last */
    selectBetween(first, last) {
        const keys = [];
        for (let index = first; index <= last; index++) keys.push(this.keyOf(index));
        this.select(/** @type {Key[]} */ (keys.filter((key) => key !== undefined)));
    }

    /** @param {number} index @returns {Key | undefined} */
    keyOf(index) {
        return this.options.keyOf ? this.options.keyOf(index) : index;
    }

    /** Where the item with a key is, looked for outwards from where it was. @param {Key | undefined} key @param {number} near */
    find(key, near) {
        if (key === undefined) return undefined;
        for (let away = 0; away < NEARBY; away++) {
            for (const index of [near - away, near + away]) if (index >= 0 && index < this.count && this.keyOf(index) === key) return index;
        }
        return undefined;
    }

    measured() {
        const style = getComputedStyle(this.element);
        const width = Math.max(1, this.element.clientWidth - (parseFloat(style.paddingLeft) || 0) - (parseFloat(style.paddingRight) || 0));
        const { cell, height, gap, heading } = this.options;
        return new Layout({ count: this.count, sections: this.sections, width, cell: Math.min(cell, width), height, gap, heading });
    }

    resized() {
        const { columns, cellWidth } = this.measured();
        if (columns === this.layout.columns && cellWidth === this.layout.cellWidth) return this.draw();
        this.clear();
        this.rebuilt();
    }

    /** Measure, and put back into sight what was there. */
    rebuilt() {
        const { anchor } = this;
        this.layout = this.measured();
        this.space.style.height = `${this.layout.height}px`;
        this.element.setAttribute("aria-rowcount", String(this.layout.rows));
        this.element.setAttribute("aria-colcount", String(this.layout.columns));
        if (anchor && this.count) {
            const index = this.find(anchor.key, anchor.index) ?? Math.min(anchor.index, this.count - 1);
            this.element.scrollTop = this.layout.top(index) + anchor.offset;
        }
        this.draw();
        this.still();
    }

    /** Take all cells out; the focus comes back to the active one when it is built again. */
    clear() {
        this.hadFocus = this.space.contains(document.activeElement);
        this.space.replaceChildren();
        this.cells.clear();
        this.rows.clear();
    }

    scrolled() {
        this.draw();
        clearTimeout(this.pause);
        this.pause = window.setTimeout(() => this.still(), PAUSE);
    }

    /** Build what is in sight, and the active cell wherever it is; take out the rest. */
    draw() {
        const { element: view, layout } = this;
        if (!view.clientHeight) return;
        const [from, to] = [view.scrollTop - MARGIN, view.scrollTop + view.clientHeight + MARGIN];
        const wanted = new Set();
        for (const block of layout.blocks) {
            if (block.body + block.rows * layout.step < from || block.top > to) continue;
            if (block.title) wanted.add(this.heading(block));
            const [first, last] = layout.rowsBetween(block, from, to);
            for (let row = first; row <= last; row++) wanted.add(this.row(block, row));
        }
        if (this.count) {
            const block = layout.block(this.active);
            wanted.add(this.row(block, Math.floor((this.active - block.first) / layout.columns)));
        }
        for (const [name, row] of this.rows) if (!wanted.has(name)) this.drop(name, row);
        for (const [index, cell] of this.cells) cell.tabIndex = index === this.active ? 0 : -1;
        this.remember();
        if (this.hadFocus) this.cells.get(this.active)?.focus({ preventScroll: true });
        this.hadFocus = false;
    }

    /** Keep what stands at the top of the sight. At the very top nothing is held, so that what is new shows. */
    remember() {
        const top = this.element.scrollTop;
        const index = top > 4 && this.count ? this.layout.at(top) : undefined;
        this.anchor = index === undefined ? undefined : { key: this.keyOf(index), index, offset: top - this.layout.top(index) };
    }

    /** @param {string} name @param {HTMLElement} row */
    drop(name, row) {
        for (const cell of row.querySelectorAll(".virtual-cell")) this.cells.delete(Number(cell.getAttribute("data-index")));
        row.remove();
        this.rows.delete(name);
    }

    /** @param {any} block @returns {string} the name of its heading */
    heading(block) {
        const name = `heading ${block.first} ${block.title}`;
        if (!this.rows.has(name)) {
            const words = element("div", { role: "rowheader", "aria-colspan": String(this.layout.columns) }, block.title);
            const made = element("div", { class: "virtual-heading", role: "row", "aria-rowindex": String(block.row + 1) }, words);
            this.put(name, made, block.top, this.options.heading);
        }
        return name;
    }

    /** @param {any} block @param {number} row @returns {string} its name */
    row(block, row) {
        const first = block.first + row * this.layout.columns;
        const name = `row ${first}`;
        if (this.rows.has(name)) return name;
        const { cellWidth, cellHeight, step, gap } = this.layout;
        const number = block.row + (block.title ? 2 : 1) + row;
        const made = element("div", { class: "virtual-row", role: "row", "aria-rowindex": String(number) });
        const last = Math.min(first + this.layout.columns, block.first + block.count);
        for (let index = first; index < last; index++) {
            const cell = element("div", {
                class: "virtual-cell", role: "gridcell", tabIndex: -1, dataset: { index: String(index) },
                "aria-colindex": String(index - first + 1),
                style: { position: "absolute", boxSizing: "border-box", width: `${cellWidth}px`, height: `${cellHeight}px` },
            });
            cell.style.left = `${(index - first) * (cellWidth + gap)}px`;
            this.cells.set(index, cell);
            this.fill(index, cell);
            made.append(cell);
        }
        this.put(name, made, block.body + row * step, cellHeight);
        return name;
    }

    /** @param {string} name @param {HTMLElement} row @param {number} top @param {number} height */
    put(name, row, top, height) {
        Object.assign(row.style, { position: "absolute", top: `${top}px`, left: "0", right: "0", height: `${height}px` });
        row.dataset.top = String(top);
        const after = [...this.space.children].find((other) => Number(/** @type {HTMLElement} */ (other).dataset.top) > top);
        this.space.insertBefore(row, after ?? null); // in order, for screen readers and the Tab key
        this.rows.set(name, row);
    }

    /** @param {number} index @param {HTMLElement} cell */
    fill(index, cell) {
        this.options.render(index, cell);
        this.mark(index, cell);
    }

    /** @param {number} index @param {HTMLElement} cell */
    mark(index, cell) {
        if (!this.options.selectable) return;
        const key = this.keyOf(index);
        cell.setAttribute("aria-selected", String(key !== undefined && this.selection.has(key)));
        this.element.classList.toggle("selecting", this.selection.size > 0);
    }

    /** Scrolling has paused: what is in sight is loaded. */
    still() {
        const sight = [...this.cells.keys()].filter((index) => index !== this.active || this.inSight(index));
        for (const index of sight) {
            const cell = /** @type {HTMLElement} */ (this.cells.get(index));
            if (this.loaded.has(cell)) continue;
            this.loaded.add(cell);
            this.options.load?.(index, cell);
        }
        if (sight.length) this.options.onsight?.(Math.min(...sight), Math.max(...sight));
    }

    /** @param {number} index */
    inSight(index) {
        const top = this.layout.top(index);
        const from = this.element.scrollTop - MARGIN;
        return top + this.layout.cellHeight >= from && top <= from + this.element.clientHeight + 2 * MARGIN;
    }

    /** @param {EventTarget | null} target @returns {number | undefined} */
    indexOf(target) {
        const cell = target instanceof Element ? target.closest(".virtual-cell") : null;
        return cell ? Number(/** @type {HTMLElement} */ (cell).dataset.index) : undefined;
    }

    /** @param {FocusEvent} event */
    focused({ target }) {
        const index = this.indexOf(target);
        if (index === undefined || index === this.active) return;
        this.activate(index);
    }

    /** Make a cell the one that the Tab key reaches. @param {number} index */
    activate(index) {
        this.active = index;
        this.activeKey = index < this.count ? this.keyOf(index) : undefined;
        for (const [place, cell] of this.cells) cell.tabIndex = place === index ? 0 : -1;
    }

    /** A click on something in a cell that has a use of its own is left to it. @param {MouseEvent} event */
    clicked(event) {
        const index = this.indexOf(event.target);
        if (index === undefined || !(event.target instanceof Element)) return;
        const selects = event.target.closest("[data-select]");
        if (!selects && event.target.closest("button, a, input, select, textarea, label")) return;
        const { selectable } = this.options;
        if (selectable && event.shiftKey) return this.extend(index);
        if (this.pressedLong) return void (this.pressedLong = false); // it has selected already
        if (selectable && (selects || event.ctrlKey || event.metaKey)) return this.toggle(index);
        this.options.onopen?.(index, event);
    }

    /** A finger that rests on a cell selects it. */
    listenForLongPress() {
        let timer = 0;
        const end = () => clearTimeout(timer);
        this.element.addEventListener("pointerdown", (event) => {
            end();
            this.pressedLong = false;
            const index = this.indexOf(event.target);
            if (!this.options.selectable || event.pointerType !== "touch" || index === undefined) return;
            timer = window.setTimeout(() => {
                this.pressedLong = true;
                this.toggle(index);
            }, LONG_PRESS);
        });
        for (const name of ["pointerup", "pointercancel", "pointerleave", "scroll"]) this.element.addEventListener(name, end);
        this.element.addEventListener("contextmenu", (event) => this.pressedLong && event.preventDefault());
    }

    /** @param {KeyboardEvent} event */
    pressed(event) {
        const index = this.indexOf(event.target);
        if (index === undefined || !(event.target instanceof Element) || event.target.matches("input, select, textarea")) return;
        const onCell = event.target.classList.contains("virtual-cell");
        const page = Math.max(1, Math.floor(this.element.clientHeight / this.layout.step));
        /** @type {Record<string, () => number>} */
        const moves = {
            ArrowLeft: () => index - 1, ArrowRight: () => index + 1, Home: () => 0, End: () => this.count - 1,
            ArrowUp: () => this.layout.below(index, -1), ArrowDown: () => this.layout.below(index, 1),
            PageUp: () => this.layout.below(index, -page), PageDown: () => this.layout.below(index, page),
        };
        const command = event.ctrlKey || event.metaKey;
        if (moves[event.key] && !event.altKey) {
            const next = Math.max(0, Math.min(moves[event.key](), this.count - 1));
            if (this.options.selectable && event.shiftKey) this.extend(next);
            else if (!command) this.pivot = next;
            this.show(next);
        } else if (onCell && event.key === "Enter") this.options.onopen?.(index, event);
        else if (onCell && this.options.selectable && event.key === " ") this.toggle(index);
        else if (this.options.selectable && command && event.key.toLowerCase() === "a") this.selectBetween(0, this.count - 1);
        else if (this.options.selectable && event.key === "Escape" && this.selection.size) this.select([]);
        else return void (["Shift", "Control", "Alt", "Meta"].includes(event.key) || this.options.onkey?.(event, index));
        event.preventDefault();
        event.stopPropagation();
    }
}
