// @ts-check
// Zoom and pan of a picture on a stage: wheel, drag, pinch, double click. The stage's size and the picture's are in CSS pixels.

const LEAST = 0.02;
const MOST = 40;
const SWIPE = 60; // pixels that a finger moves sideways to get to another picture
const CLICK = 5; // pixels that a pointer may move and still have clicked

/**
 * @typedef {{moved: () => void, swiped: (way: number) => void, clicked: () => void, whole: boolean}} Told `whole`: a small picture fills
 * the window
 */

export class Zoom {
    width = 1;
    height = 1;
    scale = 1;
    x = 0;
    y = 0;
    fitted = true;
    /** Pointers that are down, with where each was last. @type {Map<number, {x: number, y: number}>} */
    down = new Map();
    travelled = 0;
    start = { x: 0, y: 0 };

    /** @param {HTMLElement} stage @param {Told} told */
    constructor(stage, told) {
        this.stage = stage;
        this.told = told;
        stage.addEventListener("wheel", (event) => {
            event.preventDefault();
            this.by(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event.clientX, event.clientY);
        }, { passive: false });
        stage.addEventListener("pointerdown", (event) => this.pressed(event));
        stage.addEventListener("pointermove", (event) => this.dragged(event));
        for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name,
            (event) => this.released(/** @type {PointerEvent} */ (event)));
        stage.addEventListener("dblclick", (event) => this.toggle(event.clientX, event.clientY));
        this.watch = new ResizeObserver(() => this.fitted && this.fit());
        this.watch.observe(stage);
    }

    end() {
        this.watch.disconnect();
    }

    /**
     * The picture has another size. One of the same size stays where it is: so two can be compared.
     * @param {number} width
     * @param {number} height
     */
    size(width, height) {
        const same = width === this.width && height === this.height;
        [this.width, this.height] = [width, height];
        if (!same || this.fitted) this.fit();
        else this.told.moved();
    }

    get fitting() {
        const scale = Math.min(this.stage.clientWidth / this.width, this.stage.clientHeight / this.height);
        return this.told.whole ? scale : Math.min(scale, 1 / devicePixelRatio);
    }

    /** Show all of it. */
    fit() {
        this.fitted = true;
        this.put(this.fitting);
    }

    /** @param {number} scale around the middle */
    put(scale) {
        this.scale = scale;
        this.x = (this.stage.clientWidth - this.width * scale) / 2;
        this.y = (this.stage.clientHeight - this.height * scale) / 2;
        this.told.moved();
    }

    /** All of it, or one pixel of the picture for one of the screen. @param {number} [x] @param {number} [y] */
    toggle(x, y) {
        const full = 1 / devicePixelRatio;
        if (!this.fitted) return this.fit();
        this.by((Math.abs(full - this.scale) < 0.01 ? 2 * full : full) / this.scale, x, y);
    }

    /** Zoom so that what is under (x, y) stays there. @param {number} factor @param {number} [x] of the window @param {number} [y] */
    by(factor, x = innerWidth / 2, y = innerHeight / 2) {
        const scale = Math.min(MOST, Math.max(LEAST, this.scale * factor));
        const { left, top } = this.stage.getBoundingClientRect();
        this.x = x - left - ((x - left - this.x) / this.scale) * scale;
        this.y = y - top - ((y - top - this.y) / this.scale) * scale;
        this.scale = scale;
        this.fitted = false;
        this.told.moved();
    }

    /** @param {number} dx @param {number} dy */
    pan(dx, dy) {
        this.x += dx;
        this.y += dy;
        this.fitted = false;
        this.told.moved();
    }

    /** @param {PointerEvent} event */
    pressed(event) {
        if (event.button !== 0) return;
        this.stage.setPointerCapture(event.pointerId);
        if (!this.down.size) {
            this.travelled = 0;
            this.start = { x: event.clientX, y: event.clientY };
        }
        this.down.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (this.down.size > 1) this.travelled = Infinity; // a pinch is neither a click nor a swipe
    }

    /** @param {PointerEvent} event */
    dragged(event) {
        const before = this.down.get(event.pointerId);
        if (!before) return;
        const now = { x: event.clientX, y: event.clientY };
        this.travelled = Math.max(this.travelled, Math.hypot(now.x - this.start.x, now.y - this.start.y));
        const other = [...this.down].find(([id]) => id !== event.pointerId)?.[1];
        this.down.set(event.pointerId, now);
        if (other) {
            const distance = (/** @type {{x: number, y: number}} */ from) => Math.max(1, Math.hypot(from.x - other.x, from.y - other.y));
            this.by(distance(now) / distance(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
        } else if (event.pointerType !== "touch" || !this.fitted) {
            if (this.travelled > CLICK) this.pan(now.x - before.x, now.y - before.y);
        }
    }

    /** @param {PointerEvent} event */
    released(event) {
        if (!this.down.delete(event.pointerId) || event.type === "pointercancel" || this.down.size) return;
        const across = event.clientX - this.start.x;
        if (event.pointerType === "touch" && this.fitted && this.travelled < Infinity
            && Math.abs(across) > SWIPE) this.told.swiped(across < 0 ? 1 : -1);
        else if (this.travelled <= CLICK && !this.inside(event.clientX, event.clientY)) this.told.clicked();
    }

    /** Whether a place of the window is on the picture. @param {number} x @param {number} y */
    inside(x, y) {
        const { left, top } = this.stage.getBoundingClientRect();
        const [across, down] = [(x - left - this.x) / this.scale, (y - top - this.y) / this.scale];
        return across >= 0 && down >= 0 && across <= this.width && down <= this.height;
    }
}
