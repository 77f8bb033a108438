// @ts-check
// Into which sizes the pictures go, and the data set in numbers.
import { element } from "./dom.js";

export class SizesPanel {
    /** @param {any} owner the <webui-dataset> */
    constructor(owner) {
        this.owner = owner;
        const again = () => this.load();
        this.side = element("select", { "aria-label": "Resolution", onchange: again }, ...[512, 640, 768, 1024,
            1280].map((side) => element("option", { value: side }, `${side} × ${side}`)));
        this.step = element("select", { "aria-label": "Bucket step", onchange: again }, ...[8, 32, 64,
            128].map((step) => element("option", { value: step, selected: step === 64 }, `Steps of ${step}`)));
        this.on = element("input", { type: "checkbox", checked: true, onchange: again });
        this.enlarge = element("input", { type: "checkbox", checked: true, onchange: again });
        this.list = element("ul", { class: "dataset-buckets" });
        this.facts = element("dl", { class: "dataset-numbers" });
        this.element = element("div", { class: "dataset-stack" }, element("div", { class: "toolbar" }, this.side, this.step),
            element("div", { class: "toolbar" }, element("label", { class: "dataset-mark" }, this.on, "Aspect ratio buckets"),
                element("label", { class: "dataset-mark" }, this.enlarge, "Enlarge small pictures")),
            this.list, this.facts);
    }

    draw() {
        const numbers = this.owner.current.statistics;
        const sizes = numbers.sizes.slice(0, 5).map((/** @type {number[]} */ [width, height,
            count]) => `${width}×${height}: ${count}`).join(", ");
        const rows = [["Pictures", numbers.pictures], ["With captions", numbers.captioned], ["With masks", numbers.masked],
            ["That cannot be used", numbers.unusable], ["Different tags", numbers.tags.length],
            ["Tags in a caption", numbers.tags_a_picture], ["Most frequent sizes", sizes]];
        this.facts.replaceChildren(...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", { translate: false },
            value)]));
        if (this.owner.at === "sizes") this.load();
    }

    select() {
        if (this.owner.at === "sizes" && this.owner.current && this.loaded !== this.key()) this.load();
    }

    key() {
        return `${this.owner.current.id} ${this.owner.pictures.map((/** @type {any} */ { stamp }) => stamp).join()}`;
    }

    async load() {
        if (!this.owner.current) return;
        this.loaded = this.key();
        const found = await this.owner.call("buckets", { resolution: Number(this.side.value), step: Number(this.step.value),
            on: this.on.checked, enlarge: this.enlarge.checked });
        if (!found) return;
        const most = Math.max(1, ...found.map((/** @type {any} */ { pictures }) => pictures));
        this.list.replaceChildren(...found.map((/** @type {any} */ one) => element("li", {}, element("button", { type: "button",
            class: "plain dataset-bucket", title: "Select these pictures", onclick: () => this.show(one.names) },
            element("span", { class: "dataset-shape", "aria-hidden": "true",
                style: { width: `${(24 * one.width) / Math.max(one.width, one.height)}px`,
                height: `${(24 * one.height) / Math.max(one.width, one.height)}px` } }), element("span", { translate: false },
                `${one.width} × ${one.height}`),
            element("span", { class: "dataset-bar" }, element("i", { style: { width: `${(100 * one.pictures) / most}%` } })),
                element("span", {}, one.pictures)))));
    }

    /** @param {string[]} names */
    show(names) {
        this.owner.grid.reset();
        this.owner.grid.draw();
        this.owner.grid.select(names);
    }
}
