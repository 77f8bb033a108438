// @ts-check
// The panel of regional prompts: the regions over a board whose borders can be dragged, or paint for a mask, and below the options.
import { OptionsForm, afterwards, call, define, element, formTab, formValues, onPromptInput } from "easel/extension.js";
import { Paint, colour } from "./paint.js";

/** @typedef {[number, number, number, number]} Area left, top, right, bottom in shares */
/** @typedef {{common: string, base: string | null, regions: string[], groups: number[], areas: Area[], problem: string}} Template */

const LEAST = 0.03; // of the picture, for a region

class Regions extends HTMLElement {
    tab = formTab();
    /** @type {any[]} */
    fields = [];
    /** @type {Record<string, string[]>} */
    lists = {};
    /** @type {OptionsForm | undefined} */
    form = undefined;
    /** @type {Template | undefined} */
    template = undefined;

    /** @param {any[]} fields */
    set schema(fields) {
        this.fields = fields;
        this.build();
    }

    get value() {
        return this.form?.values ?? {};
    }

    set value(values) {
        if (!this.form) return;
        this.form.values = values;
        this.paint?.show(this.form.values.mask);
        this.ask();
    }

    get problems() {
        return this.form?.problems ?? [];
    }

    connectedCallback() {
        this.ask = afterwards(() => void this.refresh(), 250);
        this.stop = onPromptInput(() => this.ask());
        this.ask();
    }

    disconnectedCallback() {
        this.stop?.();
    }

    ask = () => {};

    build() {
        this.board = element("div", { class: "board", role: "group", "aria-label": "Where the regions lie" });
        this.said = element("p", { class: "quiet", role: "status" });
        this.paint = new Paint((kept) => {
            if (!this.form) return;
            this.form.values = { mask: kept };
            this.changed();
        });
        this.form = new OptionsForm(this.fields, { lists: this.lists });
        this.form.onchange = (name) => {
            if (name === "mask") this.paint?.show(this.form?.values.mask);
            this.changed();
        };
        this.classList.add("webui");
        this.replaceChildren(this.board, this.paint.element, this.said, this.form.element);
    }

    changed() {
        this.dispatchEvent(new Event("change", { bubbles: true }));
        this.ask();
    }

    /** Ask the program where the regions lie, and draw them. */
    async refresh() {
        if (!this.form || !this.isConnected) return;
        const { divide, ratios, use_base, use_common } = this.form.values;
        const { prompt = "", width = 1, height = 1 } = formValues(this.tab);
        const json = { prompt, divide, ratios, use_base, use_common };
        this.template = await call("webui/extensions/regional_prompts/template", { method: "POST", json });
        if (!this.template || !this.form) return;
        const painted = divide === "Mask";
        this.form.show("mask", painted);
        this.form.show("ratios", !painted);
        this.board.hidden = painted;
        if (this.paint) this.paint.element.hidden = !painted;
        this.paint?.offer(this.template.regions, width, height);
        this.board.style.aspectRatio = `${width} / ${height}`;
        this.draw(this.template);
        const single = this.template.regions.length < 2 && this.template.base === null;
        this.said.textContent = single ? "Put ADDCOL, ADDROW or BREAK between the parts of the prompt." : painted ? "" : this.template.problem;
    }

    /** @param {Template} template */
    draw({ areas, regions, groups }) {
        this.board.replaceChildren(
            ...areas.map((area, number) => {
                const region = element("div", { class: "region", translate: "no", title: regions[number], style: box(area) },
                    element("b", {}, String(number + 1)), ` ${regions[number]}`);
                region.style.setProperty("--region", colour(number));
                return region;
            }),
            ...this.borders(areas, groups));
    }

    /** The handles between regions. @param {Area[]} areas @param {number[]} groups */
    borders(areas, groups) {
        const rows = this.form?.values.divide === "Rows"; // groups are columns then
        /** @type {HTMLElement[]} */
        const found = [];
        let first = 0;
        groups.forEach((size, group) => {
            const own = areas.slice(first, first + size);
            const [left, top, right, bottom] = own[0];
            own.slice(1).forEach((area, place) => {
                const line = /** @type {Area} */ (rows ? [left, area[1], right, area[1]] : [area[0], top, area[0], bottom]);
                found.push(this.border(rows, line, group, place));
            });
            if (group) found.push(this.border(!rows, rows ? [left, 0, left, 1] : [0, top, 1, top], -1, group - 1));
            first += size;
        });
        return found;
    }

    /** A handle that is dragged, or moved with the arrow keys. @param {boolean} lying @param {Area} area @param {number} group @param {number} place */
    border(lying, area, group, place) {
        const at = lying ? area[1] : area[0];
        const handle = element("div", { class: "border", dataset: { lie: lying ? "across" : "down" }, role: "separator", tabIndex: 0,
            "aria-label": "Border between two regions", "aria-orientation": lying ? "horizontal" : "vertical",
            "aria-valuenow": Math.round(at * 100), "aria-valuemin": 0, "aria-valuemax": 100, style: box(area),
            onpointerdown: (/** @type {PointerEvent} */ event) => {
                event.preventDefault();
                handle.setPointerCapture(event.pointerId);
                handle.onpointermove = (/** @type {PointerEvent} */ moved) => {
                    const { left, top, width, height } = this.board.getBoundingClientRect();
                    const to = lying ? (moved.clientY - top) / height : (moved.clientX - left) / width;
                    handle.style[lying ? "top" : "left"] = `${to * 100}%`;
                    handle.dataset.to = String(to);
                };
            },
            onpointerup: () => {
                handle.onpointermove = null;
                if (handle.dataset.to) this.moved(group, place, Number(handle.dataset.to));
            },
            onkeydown: (/** @type {KeyboardEvent} */ event) => {
                const step = { ArrowLeft: -0.02, ArrowUp: -0.02, ArrowRight: 0.02, ArrowDown: 0.02 }[event.key];
                if (!step) return;
                event.preventDefault();
                this.focused = `${group} ${place}`;
                this.moved(group, place, at + step);
            } });
        if (this.focused === `${group} ${place}`) queueMicrotask(() => handle.focus());
        return handle;
    }

    /** Write the ratios anew with one border moved. Group -1: the border between two groups. @param {number} group @param {number} place @param {number} to */
    moved(group, place, to) {
        if (!this.template || !this.form) return;
        const shares = sharesOf(this.template, this.form.values.divide === "Rows");
        const line = group < 0 ? shares.map(({ own }) => own) : shares[group].inner;
        move(line, place, to);
        if (group < 0) line.forEach((own, number) => (shares[number].own = own));
        this.form.values = { ratios: written(shares) };
        this.changed();
    }
}

/** Each group's share and those of its regions, from the areas. @param {Template} template @param {boolean} rows */
function sharesOf({ areas, groups }, rows) {
    let first = 0;
    return groups.map((size) => {
        const own = areas.slice(first, (first += size));
        const [left, top, right, bottom] = own[0];
        const inner = own.map(([l, t, r, b]) => (rows ? b - t : r - l));
        return { own: rows ? right - left : bottom - top, inner };
    });
}

/** Move the border behind share number `place` of a line to a share of the whole. @param {number[]} line @param {number} place @param {number} to */
function move(line, place, to) {
    const before = line.slice(0, place).reduce((sum, one) => sum + one, 0);
    const both = line[place] + line[place + 1];
    line[place] = Math.min(Math.max(to - before, LEAST), both - LEAST);
    line[place + 1] = both - line[place];
}

/** The ratios as text, in hundredths. @param {{own: number, inner: number[]}[]} shares */
function written(shares) {
    const number = (/** @type {number} */ share) => String(Math.max(1, Math.round(share * 100)));
    if (shares.length === 1) return shares[0].inner.map(number).join(",");
    if (shares.every(({ inner }) => inner.length === 1)) return shares.map(({ own }) => number(own)).join(",");
    return shares.map(({ own, inner }) => [own, ...inner].map(number).join(",")).join(";");
}

/** @param {Area} area */
const box = ([left, top, right, bottom]) => ({ left: `${left * 100}%`, top: `${top * 100}%`, width: `${(right - left) * 100}%`, height: `${(bottom - top) * 100}%` });

define("easel-regions", Regions);
