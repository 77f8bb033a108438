// @ts-check
// A chart of values over steps, drawn as SVG: axes with units, a legend that shows and hides, and the values under the pointer.
import { element } from "./dom.js";
import { plain } from "./training_words.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const FRAME = { left: 62, right: 14, top: 10, bottom: 34 };
const SPARSE = 60; // points of a line that are drawn as dots as well

/**
 * @typedef {[number, number]} Point step and value
 * @typedef {{id: string, name: string, points: Point[], faint?: boolean, dots?: boolean, dash?: boolean}} Series
 * @typedef {{at: number, words: string, strong?: boolean}} Mark a step that something happened at
 * @typedef {{label: string, unit?: string, height?: number, show?: (value: number) => string, zero?: boolean}} How
 */

/** @param {string} tag @param {Record<string, string | number>} values @param {...Node} children */
function svg(tag, values, ...children) {
    const made = document.createElementNS(NAMESPACE, tag);
    for (const [name, value] of Object.entries(values)) made.setAttribute(name, String(value));
    made.append(...children);
    return made;
}

/** Round numbers between two, about so many. @param {number} low @param {number} high @param {number} count @param {boolean} [whole] */
export function ticks(low, high, count, whole = false) {
    const rough = (high - low) / Math.max(1, count) || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = Math.max(whole ? 1 : 0, power * ([1, 2, 5, 10].find((each) => each * power >= rough * 0.999) ?? 10));
    const found = [];
    for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-6; value += step) found.push(
        Number(value.toPrecision(12)));
    return found;
}

/**
 * As many points as there are pixels: of those that share one the least and the greatest, so that no peak is lost.
 * @param {Point[]} points @param {(step: number) => number} across
 */
export function thinned(points, across) {
    if (points.length < 2000) return points;
    /** @type {Point[]} */
    const kept = [];
    for (let start = 0; start < points.length;) {
        const column = Math.round(across(points[start][0]));
        let [end, least, most] = [start, start, start];
        for (; end < points.length && Math.round(across(points[end][0])) === column; end++) {
            if (points[end][1] < points[least][1]) least = end;
            if (points[end][1] > points[most][1]) most = end;
        }
        for (const place of [...new Set([start, least, most, end - 1])].sort((a, b) => a - b)) kept.push(points[place]);
        start = end;
    }
    return kept;
}

/** The point nearest to a step. @param {Point[]} points @param {number} step @returns {Point | undefined} */
export function nearest(points, step) {
    let [low, high] = [0, points.length - 1];
    while (low < high) {
        const middle = (low + high) >> 1;
        if (points[middle][0] < step) low = middle + 1;
        else high = middle;
    }
    const [here, before] = [points[low], points[low - 1]];
    return before && here && step - before[0] < here[0] - step ? before : here;
}

export class Chart {
    /** @type {Series[]} */
    series = [];
    /** @type {Mark[]} */
    marks = [];
    /** The series that a person has switched off. @type {Set<string>} */
    hidden = new Set();
    logarithmic = false;
    /** The step under the pointer. @type {number | undefined} */
    step = undefined;
    last = 0;

    /** @param {How} how */
    constructor(how) {
        this.how = { height: 220, show: plain, ...how };
        this.drawing = svg("svg", { role: "img", tabindex: "0" });
        this.drawing.addEventListener("pointermove", (event) => this.point(/** @type {PointerEvent} */ (event)));
        this.drawing.addEventListener("pointerleave", () => this.leave());
        this.drawing.addEventListener("keydown", (event) => this.key(/** @type {KeyboardEvent} */ (event)));
        this.drawing.addEventListener("blur", () => this.leave());
        this.values = element("div", { class: "chart-values", hidden: true });
        this.spoken = element("p", { class: "for-screen-readers", role: "status" });
        this.legend = element("div", { class: "chart-legend", role: "group", "aria-label": "What is shown" });
        this.empty = element("p", { class: "chart-empty quiet" }, "Nothing to show yet.");
        this.plate = element("div", { class: "chart-plate" }, this.drawing, this.values, this.empty);
        this.title = element("h3", {}, this.how.label, this.how.unit && element("small", {}, ` (${this.how.unit})`));
        this.element = element("figure", { class: "chart" }, element("figcaption", { class: "chart-head" }, this.title, this.legend),
            this.plate, this.spoken);
        new ResizeObserver(([entry]) => this.resized(entry.contentRect.width)).observe(this.plate);
    }

    /** @param {number} width */
    resized(width) {
        if (Math.abs(width - (this.width ?? 0)) < 1) return;
        this.width = width;
        this.draw();
    }

    /** Show these. @param {Series[]} series @param {Mark[]} [marks] @param {number} [last] the step at which the axis ends, at least */
    set(series, marks = [], last = 0) {
        this.series = series;
        this.marks = marks;
        this.last = last;
        this.draw();
    }

    /** @param {boolean} flag whether equal distances are equal ratios */
    logarithm(flag) {
        this.logarithmic = flag;
        this.draw();
    }

    /** Those that are shown, with what of them can be. */
    get shown() {
        const fit = (/** @type {Point} */ [, value]) => Number.isFinite(value) && (!this.logarithmic || value > 0);
        return this.series.filter(({ id, points }) => !this.hidden.has(id) && points.length)
            .map((one) => ({ ...one, points: one.points.filter(fit) })).filter(({ points }) => points.length);
    }

    draw() {
        if (!this.width) return;
        this.drawLegend();
        const shown = this.lines = this.shown;
        this.empty.hidden = shown.length > 0;
        const height = this.how.height ?? 220;
        this.drawing.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
        this.drawing.setAttribute("height", String(height));
        this.drawing.setAttribute("aria-label", this.summary(shown));
        this.drawing.replaceChildren();
        if (!shown.length) return;
        this.measure(shown, height);
        this.drawing.append(this.grid(), this.drawMarks(), ...shown.map((one) => this.line(one)));
        this.cursor = svg("g", { class: "chart-cursor" });
        this.drawing.append(this.cursor);
        if (this.step !== undefined) this.look(this.step);
    }

    /** @param {Series[]} shown */
    summary(shown) {
        const show = this.how.show ?? plain;
        const facts = shown.filter(({ faint }) => !faint).map(({ name, points }) => `${name} ${show(points[points.length - 1][1])}`);
        return facts.length ? `${this.how.label}: ${facts.join(", ")}` : this.how.label;
    }

    /** How steps and values become places. @param {Series[]} shown @param {number} height */
    measure(shown, height) {
        const steps = shown.flatMap(({ points }) => [points[0][0], points[points.length - 1][0]]);
        const [first, last] = [Math.min(0, ...steps), Math.max(1, this.last, ...steps)];
        let [low, high] = this.bounds(shown);
        const scale = this.logarithmic ? Math.log10 : (/** @type {number} */ value) => value;
        if (low === high) [low, high] = this.logarithmic ? [low / 2, high * 2] : [low - Math.abs(low || 1) * 0.1,
            high + Math.abs(high || 1) * 0.1];
        const [bottom, top] = [scale(low), scale(high)];
        const [wide, tall] = [(this.width ?? 0) - FRAME.left - FRAME.right, height - FRAME.top - FRAME.bottom];
        this.range = { first, last, low, high, wide, tall };
        this.across = (/** @type {number} */ step) => FRAME.left + ((step - first) / (last - first)) * wide;
        this.down = (/** @type {number} */ value) => FRAME.top + tall - ((scale(value) - bottom) / (top - bottom)) * tall;
    }

    /**
     * The least and greatest value that the axis has to hold: of faint lines, whose peaks are noise, all but the outermost.
     * @param {Series[]} shown
     * @returns {[number, number]}
     */
    bounds(shown) {
        let [low, high] = [Infinity, -Infinity];
        for (const { points, faint } of shown) {
            const values = points.map(([, value]) => value);
            if (faint && values.length > 50) values.sort((one, other) => one - other);
            const cut = faint && values.length > 50 ? Math.floor(values.length * 0.02) : 0;
            for (const value of cut ? [values[cut], values[values.length - 1 - cut]] : values) {
                low = Math.min(low, value);
                high = Math.max(high, value);
            }
        }
        if (this.how.zero && !this.logarithmic) low = Math.min(0, low);
        const room = this.logarithmic ? 0 : (high - low) * 0.06;
        return [this.how.zero ? low : low - (low > 0 ? Math.min(room, low) : room), high + room];
    }

    grid() {
        const { first, last, low, high, wide, tall } = /** @type {any} */ (this.range);
        const { across, down } = /** @type {{across: (step: number) => number, down: (value: number) => number}} */ (this);
        const made = svg("g", { class: "chart-grid" });
        const show = this.how.show ?? plain;
        for (const value of this.logarithmic ? powers(low, high) : ticks(low, high, tall / 42)) {
            const y = down(value);
            made.append(svg("line", { x1: FRAME.left, x2: FRAME.left + wide, y1: y, y2: y }),
                svg("text", { x: FRAME.left - 8, y: y + 4, "text-anchor": "end" }, new Text(show(value))));
        }
        for (const step of ticks(first, last, wide / 90, true)) {
            const x = across(step);
            made.append(svg("line", { x1: x, x2: x, y1: FRAME.top + tall, y2: FRAME.top + tall + 4 }),
                svg("text", { x, y: FRAME.top + tall + 17, "text-anchor": "middle" }, new Text(step.toLocaleString("en"))));
        }
        made.append(svg("line", { class: "chart-axis", x1: FRAME.left, x2: FRAME.left + wide, y1: FRAME.top + tall, y2: FRAME.top + tall }),
            svg("text", { class: "chart-name", x: FRAME.left + wide, y: FRAME.top + tall + 31, "text-anchor": "end" }, new Text("Step")));
        return made;
    }

    drawMarks() {
        const { tall } = /** @type {any} */ (this.range);
        const across = /** @type {(step: number) => number} */ (this.across);
        return svg("g", { class: "chart-marks" }, ...this.marks.map(({ at, words, strong }) => {
            const line = svg("line", { class: strong ? "strong" : "", x1: across(at), x2: across(at), y1: FRAME.top,
                y2: FRAME.top + tall });
            line.append(svg("title", {}, new Text(words)));
            const late = across(at) > FRAME.left + (this.range?.wide ?? 0) * 0.75;
            const name = svg("text", { x: across(at) + (late ? -5 : 5), y: FRAME.top + 11, "text-anchor": late ? "end" : "start" },
                new Text(words));
            return strong ? svg("g", {}, line, name) : line;
        }));
    }

    /** @param {Series} one */
    line(one) {
        const { across, down } = /** @type {{across: (step: number) => number, down: (value: number) => number}} */ (this);
        const { tall } = /** @type {any} */ (this.range);
        const inside = (/** @type {number} */ y) => Math.max(FRAME.top, Math.min(FRAME.top + tall, y));
        const points = thinned(one.points, across);
        const places = points.map(([step, value]) => `${across(step).toFixed(1)},${inside(down(value)).toFixed(1)}`);
        const made = svg("g", { class: `chart-line ${one.faint ? "faint" : ""} ${one.dash ? "dash" : ""}`,
            "data-series": this.colour(one) });
        made.append(svg("polyline", { points: places.join(" ") }));
        const dots = one.dots || (!one.faint && points.length < 2);
        if (dots && points.length <= SPARSE) for (const [step, value] of points) made.append(svg("circle",
            { cx: across(step), cy: inside(down(value)), r: 3.2 }));
        return made;
    }

    /** Lines that belong together have one colour: "train", "train:raw". @param {Series} one */
    colour({ id }) {
        const names = [...new Set(this.series.map((each) => each.id.split(":")[0]))];
        return (names.indexOf(id.split(":")[0]) % 6) + 1;
    }

    drawLegend() {
        const wanted = this.series.filter(({ points }) => points.length);
        const key = JSON.stringify(wanted.map(({ id, name }) => [id, name, this.hidden.has(id)]));
        if (this.legend.dataset.key === key) return;
        this.legend.dataset.key = key;
        this.legend.hidden = wanted.length < 2;
        this.legend.replaceChildren(...wanted.map((one) => element("button", {
            type: "button", class: `plain chart-key ${one.faint ? "faint" : ""} ${one.dash ? "dash" : ""}`,
                dataset: { series: String(this.colour(one)), id: one.id },
            "aria-pressed": String(!this.hidden.has(one.id)), onclick: () => this.toggle(one.id),
        }, element("span", { class: "chart-sample", "aria-hidden": "true" }), one.name)));
    }

    /** @param {string} id */
    toggle(id) {
        if (!this.hidden.delete(id)) this.hidden.add(id);
        this.draw();
        this.legend.querySelector(`[data-id="${CSS.escape(id)}"]`)?.focus();
    }

    /** @param {PointerEvent} event */
    point(event) {
        if (!this.range || !this.lines?.length) return;
        const box = this.drawing.getBoundingClientRect();
        const { first, last, wide } = this.range;
        const step = first + ((event.clientX - box.left - FRAME.left) / wide) * (last - first);
        this.look(Math.max(first, Math.min(last, step)));
    }

    /** Show the values at a step. @param {number} step */
    look(step) {
        const { across, down } = /** @type {{across: (step: number) => number, down: (value: number) => number}} */ (this);
        const found = (this.lines ?? []).map((one) => ({ one, point: /** @type {Point} */ (nearest(one.points, step)) }));
        const closest = found.reduce((best, each) => (Math.abs(each.point[0] - step) < Math.abs(best.point[0] - step) ? each
            : best)).point[0];
        this.step = closest;
        const { tall } = /** @type {any} */ (this.range);
        const x = across(closest);
        this.cursor?.replaceChildren(svg("line", { x1: x, x2: x, y1: FRAME.top, y2: FRAME.top + tall }),
            ...found.map(({ one, point }) =>
                svg("circle", { cx: across(point[0]), cy: Math.max(FRAME.top, Math.min(FRAME.top + tall, down(point[1]))),
                r: 4, "data-series": this.colour(one) })));
        const show = this.how.show ?? plain;
        this.values.replaceChildren(element("strong", {}, `Step ${closest.toLocaleString("en")}`), ...found.map(({ one, point }) =>
            element("span", { class: "chart-value", dataset: { series: String(this.colour(one)) } },
                element("span", { class: `chart-sample ${one.faint ? "faint" : ""} ${one.dash ? "dash" : ""}`, "aria-hidden": "true" }),
                    element("span", {}, one.name),
                element("b", {}, show(point[1]), point[0] !== closest && element("small", {}, ` (${point[0].toLocaleString("en")})`)))));
        this.values.hidden = false;
        const wide = this.values.offsetWidth;
        const beside = x > (this.width ?? 0) / 2 ? x - wide - 12 : x + 12;
        this.values.style.left = `${Math.max(4, Math.min(beside, (this.width ?? 0) - wide - 4))}px`;
    }

    leave() {
        this.step = undefined;
        this.values.hidden = true;
        this.cursor?.replaceChildren();
    }

    /** Arrows walk from point to point. @param {KeyboardEvent} event */
    key(event) {
        const points = this.lines?.find(({ faint }) => !faint)?.points ?? this.lines?.[0]?.points;
        if (!points) return;
        const here = this.step === undefined ? points.length - 1 : points.indexOf(/** @type {Point} */ (nearest(points, this.step)));
        const leap = Math.max(1, Math.round(points.length / 20));
        const to = { ArrowLeft: here - 1, ArrowRight: here + 1, PageUp: here - leap, PageDown: here + leap, Home: 0,
            End: points.length - 1 }[event.key];
        if (event.key === "Escape") return this.leave();
        if (to === undefined) return;
        event.preventDefault();
        this.look(points[Math.max(0, Math.min(points.length - 1, to))][0]);
        this.spoken.textContent = [...this.values.children].map((each) => each.textContent).join(", ");
    }
}

/** Powers of ten, and their doubles and fivefolds where there are few. @param {number} low @param {number} high */
function powers(low, high) {
    const found = [];
    const few = high / low < 1000;
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
        for (const factor of few ? [1, 2, 5] : [1]) found.push(Number((factor * 10 ** power).toPrecision(3)));
    }
    return found.filter((value) => value >= low && value <= high);
}
