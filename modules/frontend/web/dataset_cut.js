// @ts-check
// Cutting: to proportions around what catches the eye, into several, mirrored; shown before it is done.
import { choice } from "./dataset_fields.js";
import { afterwards, element } from "./dom.js";

const WORKS = {
    crop: "Crop", split: "Split long pictures", flip: "Add mirrored copies", upscale: "Enlarge small pictures",
    rotate: "Turn files upright", encode: "Write anew as PNG", drop: "Put aside",
};
const HELP = {
    crop: "What is outside of the frame goes; frames can be moved. Undo brings all back.",
    split: "Each part overlaps the next and gets the caption; pictures that fit are left alone.",
    flip: "Not for faces, writing and what is not symmetric.",
    upscale: "Pictures smaller than their bucket, by the upscaler for img2img.",
    rotate: "Photos that EXIF turns are stored upright.",
    encode: "First picture of an animation, RGB, on white where it is transparent.",
    drop: "Pictures, captions and masks are moved into the folder .removed beside them.",
};
const SHAPES = {
    "0x0": "As its bucket", "1x1": "Square", "2x3": "2 : 3 upright", "3x2": "3 : 2 wide", "3x4": "3 : 4 upright", "4x3": "4 : 3 wide",
    "9x16": "9 : 16 upright", "16x9": "16 : 9 wide",
};
const STEP = 0.02; // of the picture's longer side, by a key
const SEEN = 12; // pictures whose cuts are shown

export class CutPanel {
    /** @param {any} owner the <webui-dataset> */
    constructor(owner) {
        this.owner = owner;
        /** @type {Record<string, number[]>} where a person has moved a frame to */
        this.moved = {};
        this.work = choice("What is done", WORKS, { class: "grow", onchange: () => this.changed() });
        this.shape = choice("Proportions", SHAPES, { onchange: () => this.changed() });
        this.how = choice("Around", { focal: "Focal point", face: "Faces", middle: "Middle" }, { onchange: () => this.changed() });
        this.whom = element("p", { class: "quiet" });
        this.words = element("p", { class: "quiet" });
        this.seen = element("div", { class: "dataset-cuts" });
        this.go = element("button", { type: "button", class: "primary", onclick: () => this.cut() }, "Do it");
        this.element = element("div", { class: "dataset-stack" }, this.whom, this.work, element("div", { class: "toolbar" },
            this.shape, this.how), this.words, element("div", { class: "toolbar" }, this.go), this.seen);
        this.soon = afterwards(() => this.preview(), 250);
        this.fields();
    }

    fields() {
        const work = this.work.value;
        this.shape.hidden = work !== "crop" && work !== "split";
        this.how.hidden = work !== "crop";
        this.words.textContent = HELP[/** @type {"crop"} */ (work)];
    }

    changed() {
        this.moved = {};
        this.fields();
        this.soon();
    }

    options() {
        const [width, height] = this.shape.value.split("x").map(Number);
        const boxes = this.work.value === "crop" ? this.moved : {};
        return { width, height, how: this.how.value, resolution: this.owner.panel("check").resolution, boxes };
    }

    draw() {
        this.select();
    }

    select() {
        if (!this.owner.current) return;
        this.whom.textContent = this.owner.whom();
        if (this.owner.at === "cut") this.soon();
    }

    /** Show where the first pictures would be cut. */
    async preview() {
        const work = this.work.value;
        const names = this.owner.names().slice(0, SEEN);
        if ((work !== "crop" && work !== "split") || !names.length || this.owner.at !== "cut") return void this.seen.replaceChildren();
        const asked = this.asked = JSON.stringify([work, names, this.options()]);
        this.seen.replaceChildren();
        for (const name of names) { // one by one: what catches the eye takes a moment to be found
            const answer = await this.owner.call("cuts", { action: work, names: [name], options: this.options() });
            if (!answer || asked !== this.asked || !this.owner.grid.of(name)) return;
            this.seen.append(...Object.entries(answer.cuts).map(([one, boxes]) => this.frame(one, boxes)));
        }
    }

    /** @param {string} name @param {number[][]} boxes left, top, right, bottom in pixels */
    frame(name, boxes) {
        const picture = this.owner.grid.of(name);
        const share = (/** @type {number} */ part, /** @type {number} */ whole) => `${(100 * part) / whole}%`;
        const whole = boxes.length === 1 && boxes[0][2] - boxes[0][0] === picture.width && boxes[0][3] - boxes[0][1] === picture.height;
        const frames = whole ? [] : boxes.map(([left, top, right, bottom]) => element("i", { class: boxes.length > 1 ? "part" : "cut",
            style: {
            left: share(left, picture.width), top: share(top, picture.height), width: share(right - left, picture.width),
                height: share(bottom - top, picture.height) } }));
        if (frames.length === 1) new Frame(frames[0], boxes[0], picture, (box) => { this.moved[name] = box; });
        const [left, top, right, bottom] = boxes[0];
        const cut = boxes.length > 1 ? `${boxes.length} parts` : `${right - left} × ${bottom - top}`;
        const size = whole ? "stays whole" : cut;
        return element("figure", {}, element("div", { class: "dataset-cut",
            style: { aspectRatio: `${picture.width} / ${picture.height}` } }, element("img", { src: this.owner.address(picture, 320),
            alt: "" }), ...frames),
            element("figcaption", {}, element("span", { translate: false }, name), element("small", {}, size)));
    }

    async cut() {
        if (!this.owner.some()) return;
        const end = await this.owner.run("repair", { action: this.work.value, names: this.owner.names(), options: this.options() });
        if (end) this.moved = {};
    }
}

/** A frame over a picture that is moved by dragging or by the arrow keys; it keeps its size. */
class Frame {
    /**
     * @param {HTMLElement} frame
     * @param {number[]} box left, top, right, bottom
     * @param {{name: string, width: number, height: number}} picture
     * @param {(box: number[]) => void} told
     */
    constructor(frame, box, picture, told) {
        Object.assign(this, { frame, box, picture, told });
        frame.tabIndex = 0;
        frame.setAttribute("role", "slider");
        frame.setAttribute("aria-label", "Frame; arrow keys move it");
        frame.setAttribute("aria-valuenow", "0");
        frame.onpointerdown = (event) => {
            event.preventDefault();
            frame.focus();
            frame.setPointerCapture(event.pointerId);
            this.from = { x: event.clientX, y: event.clientY, box: this.box };
        };
        frame.onpointermove = (event) => this.from && this.drag(event);
        frame.onpointerup = frame.onpointercancel = () => { this.from = undefined; };
        frame.onkeydown = (event) => {
            const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
            if (!way) return;
            event.preventDefault();
            const step = Math.max(1, STEP * Math.max(picture.width, picture.height));
            this.put(this.box, way[0] * step, way[1] * step);
        };
    }

    /** @param {PointerEvent} event */
    drag(event) {
        const scale = this.picture.width / Math.max(1, this.frame.parentElement.clientWidth);
        this.put(this.from.box, (event.clientX - this.from.x) * scale, (event.clientY - this.from.y) * scale);
    }

    /** @param {number[]} from @param {number} across @param {number} down pixels of the picture */
    put([left, top, right, bottom], across, down) {
        const { width, height } = this.picture;
        const x = Math.round(Math.max(0, Math.min(left + across, width - (right - left))));
        const y = Math.round(Math.max(0, Math.min(top + down, height - (bottom - top))));
        this.box = [x, y, x + right - left, y + bottom - top];
        Object.assign(this.frame.style, { left: `${(100 * x) / width}%`, top: `${(100 * y) / height}%` });
        this.frame.setAttribute("aria-valuenow", String(Math.round((100 * (width >= height ? x : y)) / Math.max(width, height))));
        this.told(this.box);
    }
}
