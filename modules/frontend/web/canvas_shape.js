// @ts-check
// What a brush covers between two points: two circles and all between them.

/**
 * @typedef {object} Point
 * @property {number} x in pixels of the picture
 * @property {number} y
 * @property {number} radius
 */

/** A stretch of a stroke. Radii may differ: the pen was pressed harder on the way. */
export class Stretch {
    /** @param {Point} from @param {Point} to @param {number} [grown] added to both radii */
    constructor(from, to, grown = 0) {
        const length = Math.hypot(to.x - from.x, to.y - from.y);
        const swallowed = Math.abs(from.radius - to.radius) >= length; // one circle lies in the other
        this.from = swallowed && to.radius > from.radius ? to : from;
        this.to = swallowed ? this.from : to;
        this.length = swallowed ? 0 : length;
        this.radii = [Math.max(this.from.radius + grown, 0), Math.max(this.to.radius + grown, 0)];
        this.sine = this.length ? (this.from.radius - this.to.radius) / this.length : 0;
        this.cosine = Math.sqrt(1 - this.sine * this.sine);
        this.along = this.length ? [(to.x - from.x) / length, (to.y - from.y) / length] : [1, 0];
        this.sides = this.length ? [this.side(1), this.side(-1)] : [];
    }

    /** The tangent on one side. @param {number} sign @returns {[number, number, number, number]} its ends */
    side(sign) {
        const [ax, ay] = this.along;
        const nx = ax * this.sine - sign * ay * this.cosine, ny = ay * this.sine + sign * ax * this.cosine;
        const [first, last] = this.radii;
        return [this.from.x + nx * first, this.from.y + ny * first, this.to.x + nx * last, this.to.y + ny * last];
    }

    /** @returns {import("./canvas_tiles.js").Box} whole pixels */
    box() {
        const [first, last] = this.radii;
        return {
            left: Math.floor(Math.min(this.from.x - first, this.to.x - last)),
            top: Math.floor(Math.min(this.from.y - first, this.to.y - last)),
            right: Math.ceil(Math.max(this.from.x + first, this.to.x + last)),
            bottom: Math.ceil(Math.max(this.from.y + first, this.to.y + last)),
        };
    }

    /** The pixels of a row whose middles are inside. @param {number} row @returns {[number, number]} from, to; empty if not less */
    span(row) {
        const y = row + 0.5;
        let least = Infinity, most = -Infinity;
        for (const [middle, radius] of /** @type {[Point, number][]} */ ([[this.from, this.radii[0]], [this.to, this.radii[1]]])) {
            const rest = radius * radius - (y - middle.y) ** 2;
            if (rest < 0) continue;
            const half = Math.sqrt(rest);
            least = Math.min(least, middle.x - half);
            most = Math.max(most, middle.x + half);
        }
        for (const [x0, y0, x1, y1] of this.sides) {
            if ((y - y0) * (y - y1) > 0 || y0 === y1) continue;
            const x = x0 + ((y - y0) / (y1 - y0)) * (x1 - x0);
            least = Math.min(least, x);
            most = Math.max(most, x);
        }
        return [Math.ceil(least - 0.5), Math.floor(most - 0.5) + 1];
    }

    /** How far a point lies outside, in pixels; less than 0 inside. @param {number} x @param {number} y */
    distance(x, y) {
        const dx = x - this.from.x, dy = y - this.from.y;
        if (!this.length) return Math.hypot(dx, dy) - this.radii[0];
        const [ax, ay] = this.along;
        const on = dx * ax + dy * ay, off = Math.abs(dx * ay - dy * ax);
        const place = on * this.cosine - off * this.sine;
        if (place < 0) return Math.hypot(on, off) - this.radii[0];
        if (place > this.cosine * this.length) return Math.hypot(on - this.length, off) - this.radii[1];
        return off * this.cosine + on * this.sine - this.radii[0];
    }
}
