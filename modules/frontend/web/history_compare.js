// @ts-check
// Two pictures of the history beside each other, over each other, as their difference; and why they differ.
import { element, tool } from "./dom.js";
import { file } from "./history_data.js";
import { Stage, View } from "./history_view.js";
import { call } from "./server.js";

const MOST_PIXELS = 4_000_000; // compared at once; larger pictures are compared smaller
const MODES = /** @type {const} */ ([["sides", "Side by side"], ["slider", "Slider"], ["difference", "Difference"]]);
/** @type {Record<string, string>} */
const STRENGTHS = { another: "Decisive", details: "Details", slight: "Slight", none: "No effect" };

/** @type {Record<string, string | undefined>} */
const TITLES = { left: "Only in the left picture", right: "Only in the right picture" };

/** @typedef {{id: number, name: string, title: string}} Picture */

/** @param {number} id @returns {Promise<HTMLImageElement>} once it can be drawn */
async function loaded(id) {
    const image = element("img", { alt: "", draggable: false, src: file(id) });
    await image.decode().catch(() => undefined);
    return image;
}

/**
 * How two pictures differ, pixel by pixel; the right one is brought to the size of the left one.
 * @param {HTMLImageElement} left
 * @param {HTMLImageElement} right
 * @param {number} gain how much brighter differences are drawn
 * @returns {{canvas: HTMLCanvasElement, share: number, most: number}} the share of pixels that differ, and the greatest difference, of 255
 */
export function differenceOf(left, right, gain) {
    const shrink = Math.min(1, Math.sqrt(MOST_PIXELS / (left.naturalWidth * left.naturalHeight)));
    const [width, height] = [left.naturalWidth, left.naturalHeight].map((side) => Math.max(1, Math.round(side * shrink)));
    const drawn = [left, right].map((image) => {
        const canvas = element("canvas", { width, height });
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(image, 0, 0, width, height);
        return { canvas, context, data: context.getImageData(0, 0, width, height) };
    });
    const [one, other] = drawn.map(({ data }) => data.data);
    let [count, most] = [0, 0];
    for (let place = 0; place < one.length; place += 4) {
        let greatest = 0;
        for (let channel = 0; channel < 3; channel++) {
            const away = Math.abs(one[place + channel] - other[place + channel]);
            if (away > greatest) greatest = away;
            one[place + channel] = Math.min(255, away * gain);
        }
        one[place + 3] = 255;
        if (greatest) count++;
        if (greatest > most) most = greatest;
    }
    drawn[0].context.putImageData(drawn[0].data, 0, 0);
    return { canvas: drawn[0].canvas, share: count / (width * height), most };
}

export class Comparison {
    constructor() {
        this.view = new View();
        this.mode = "sides";
        this.body = element("div", { class: "compare-body" });
        this.why = element("div", { class: "compare-why" });
        this.note = element("p", { class: "quiet compare-note", "aria-live": "polite" });
        this.modes = element("div", {
            class: "toolbar", role: "radiogroup", "aria-label": "How to compare",
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event),
        }, ...MODES.map(([mode, words]) =>
            element("button", { type: "button", role: "radio", dataset: { mode }, onclick: () => this.show(mode) }, words)));
        this.swap = tool("history-swap", "Swap the pictures", () => this.open(this.right, this.left));
        const close = tool("history-close", "Close (Esc)", () => this.element.close());
        this.element = /** @type {HTMLDialogElement} */ (element("dialog", {
            class: "webui history-compare", "aria-label": "Compare two pictures",
        }, element("div", { class: "toolbar compare-head" }, this.modes, this.swap, element("span", { class: "grow" }), close),
            this.body, this.note, this.why));
    }

    /** @param {Picture} left @param {Picture} right */
    async open(left, right) {
        [this.left, this.right] = [left, right];
        if (!this.element.isConnected) document.body.append(this.element);
        if (!this.element.open) this.element.showModal();
        this.view.reset();
        this.body.replaceChildren(element("p", { class: "empty" }, "Loading…"));
        const [images, why] = await Promise.all([
            Promise.all([loaded(left.id), loaded(right.id)]),
            call(`webui/history/difference?left=${left.id}&right=${right.id}`),
        ]);
        if (this.left !== left || this.right !== right) return;
        this.images = images;
        this.show(this.mode);
        this.why.replaceChildren(...(why ? this.explained(why) : []));
    }

    /** Arrows go from one way to compare to the next, as in any group of which one is chosen. @param {KeyboardEvent} event */
    pressed(event) {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const place = MODES.findIndex(([mode]) => mode === this.mode);
        this.show(MODES[(place + step + MODES.length) % MODES.length][0]);
        this.modes.querySelector("[aria-checked=true]")?.focus();
    }

    /** @param {string} mode */
    show(mode) {
        this.mode = mode;
        for (const button of this.modes.children) {
            button.setAttribute("aria-checked", String(button.dataset.mode === mode));
            button.tabIndex = button.dataset.mode === mode ? 0 : -1;
        }
        if (!this.images) return;
        this.note.textContent = "";
        const [left, right] = this.images;
        this.view = new View();
        if (mode === "sides") this.body.replaceChildren(this.side(left, this.left), this.side(right, this.right));
        else this.body.replaceChildren(mode === "slider" ? this.slider(left, right) : this.difference(left, right));
        this.body.dataset.mode = mode;
    }

    /** @param {HTMLImageElement} image @param {any} picture */
    side(image, picture) {
        return element("figure", {}, new Stage(this.view, picture.name, image).element,
            element("figcaption", { class: "quiet", translate: false }, picture.name));
    }

    /** @param {HTMLImageElement} left @param {HTMLImageElement} right */
    slider(left, right) {
        const over = element("div", { class: "compare-over" }, left);
        const edge = element("div", { class: "compare-edge" });
        const stage = new Stage(this.view, "Both pictures", right, over);
        /** @param {number} share */
        const cut = (share) => {
            const { scale, x } = this.view;
            const inside = Math.max(0, Math.min(1, (share - 0.5 - x) / scale + 0.5)); // the plane moves under the edge
            over.style.clipPath = `inset(0 ${(1 - inside) * 100}% 0 0)`;
            edge.style.left = `${share * 100}%`;
        };
        const range = element("input", {
            type: "range", min: 0, max: 1000, value: 500, "aria-label": "How much of the left picture shows",
            oninput: () => cut(range.value / 1000),
        });
        this.view.addEventListener("change", () => cut(range.value / 1000));
        cut(0.5);
        return element("figure", {}, element("div", { class: "compare-pair" }, stage.element, edge), range);
    }

    /** @param {HTMLImageElement} left @param {HTMLImageElement} right */
    difference(left, right) {
        const frame = element("div", { class: "stage-host" });
        const gain = element("input", {
            type: "range", min: 1, max: 20, value: 4, "aria-label": "Brightness of the difference", onchange: () => draw(),
        });
        const draw = () => {
            const { canvas, share, most } = differenceOf(left, right, Number(gain.value));
            frame.replaceChildren(new Stage(this.view, "Difference of the pictures", canvas).element);
            const scaled = left.naturalWidth === right.naturalWidth && left.naturalHeight === right.naturalHeight;
            this.note.textContent = !share && scaled ? "The pictures are the same, pixel for pixel."
                : `${(share * 100).toFixed(share < 0.1 ? 2 : 0)} % of the pixels differ, by ${most} of 255 at most.`;
            if (!scaled) this.note.append(" ", element("span", {}, "The right picture was brought to the size of the left one."));
        };
        draw();
        return element("figure", {}, frame, element("label", { class: "toolbar" }, element("span", {}, "Brightness"), gain));
    }

    /** @param {any} why @returns {HTMLElement[]} */
    explained({ conclusion, lines, same, prompt, negative }) {
        const title = element("h2", {}, "Why is it different?");
        const parts = [title, element("p", {}, conclusion)];
        for (const [label, pieces] of [["Prompt", prompt], ["Negative prompt", negative]]) {
            if (!lines.some((/** @type {any} */ line) => line.label === label)) continue;
            const words = pieces.map((/** @type {{side: string, text: string}} */ { side, text }) =>
                element({ left: "del", right: "ins" }[side] ?? "span", { title: TITLES[side] }, text));
            const text = element("p", { class: "compare-words", translate: false }, ...words);
            parts.push(element("section", {}, element("h3", {}, label), text));
        }
        const settings = lines.filter((/** @type {any} */ line) => !["Prompt", "Negative prompt"].includes(line.label));
        if (settings.length) parts.push(this.table(settings));
        const equal = Object.entries(same);
        if (equal.length) {
            parts.push(element("details", {}, element("summary", {}, `${equal.length} settings are the same`),
                element("p", { class: "quiet", translate: false }, equal.map(([label, value]) => `${label}: ${value}`).join(", "))));
        }
        return parts;
    }

    /** @param {{label: string, left: string, right: string, strength: string, why: string}[]} lines */
    table(lines) {
        const head = element("tr", {}, ...["Setting", "Left", "Right", "Effect"].map((words) => element("th", { scope: "col" }, words)));
        const rows = lines.map(({ label, left, right, strength, why }) => element("tr", {},
            element("th", { scope: "row" }, label), element("td", { translate: false }, left || "—"),
            element("td", { translate: false }, right || "—"),
            element("td", {}, element("span", { class: `chip ${strength}` }, STRENGTHS[strength]), " ",
                element("span", { class: "quiet" }, why))));
        return element("div", { class: "compare-table" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
    }
}
