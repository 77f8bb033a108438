// @ts-check
// The canvas's buttons: a row of drawing tools above, what goes with the chosen one below it, and view and files under the picture.
import { element, tool } from "./dom.js";
import { say } from "./notices.js";
import { keys } from "./canvas_keys.js";
import { keepMask, chooseMask, choosePicture } from "./canvas_files.js";

/** @typedef {import("./canvas.js").Canvas} Canvas */

export const BRUSH = { least: 1, most: 512 };
const TURNS = 100; // positions of the size's slider; the size grows by the same share from each to the next
const SIDES = ["Left", "Top", "Right", "Bottom"];
const LAYER_TOOLS = { sketch: "paint", inpaint: "mask", "inpaint sketch": "paint", "inpaint upload": "mask", img2img: "" };

/** @param {number} size */
const turnOf = (size) => Math.round((Math.log(size / BRUSH.least) / Math.log(BRUSH.most / BRUSH.least)) * TURNS);
/** @param {number} turn */
const sizeAt = (turn) => Math.max(BRUSH.least, Math.round(BRUSH.least * (BRUSH.most / BRUSH.least) ** (turn / TURNS)));

export class Toolbar {
    /** @param {Canvas} canvas */
    constructor(canvas) {
        this.canvas = canvas;
        const { drawing, view } = canvas;
        const chosen = (/** @type {string} */ name, /** @type {string} */ words) =>
            tool(`canvas-${name}`, words, () => canvas.choose(/** @type {any} */ (name)), { dataset: { tool: name } });
        const act = (/** @type {string} */ icon, /** @type {string} */ words, /** @type {() => unknown} */ what, needs = "") =>
            tool(`canvas-${icon}`, words, what, { dataset: { needs, action: icon } });
        this.size = element("input", { type: "range", min: 0, max: TURNS, "aria-label": "Brush size", title: "Brush size",
            oninput: () => canvas.resizeBrushTo(sizeAt(Number(this.size.value))) });
        this.pixels = element("output", { class: "quiet" });
        this.colour = element("input", { type: "color", oninput: () => canvas.colourTo(this.colour.value) });
        this.top = bar("Drawing", [
            chosen("brush", "Brush (B)"), chosen("eraser", "Eraser (E)"), chosen("bucket", "Fill an area (G)"),
            chosen("frame", "Outpaint: make the picture larger"),
            element("span", { class: "brush-size", dataset: { needs: "layer" } }, this.size, this.pixels), this.colour,
            act("undo", "Undo (Ctrl+Z)", () => drawing.undo()), act("redo", "Redo (Ctrl+Y)", () => drawing.redo()),
            act("fill", "Fill everything", () => canvas.fill(), "layer"),
            act("invert", "Turn the mask over", () => drawing.invert(), "mask"), this.opener("feather", "Soften the mask's edge", "mask"),
            act("wipe", "Clear what is drawn", () => canvas.wipe(), "layer"),
            act("mask-open", "Load a mask from a file", () => chooseMask(canvas), "mask"),
            act("mask-save", "Save the mask as a file", () => keepMask(canvas), "mask"),
        ]);
        this.feather = this.featherPanel();
        this.margins = this.marginPanel();
        this.keys = element("dl", { class: "canvas-keys panel", hidden: true, "aria-label": "Keys of the canvas" },
            ...keys().flatMap(([key, what]) => [element("dt", {}, key), element("dd", {}, what)]));
        this.dimensions = element("span", { class: "quiet grow", "aria-live": "polite" });
        this.percent = element("output", { class: "quiet percent" });
        this.bottom = bar("Picture and view", [
            this.dimensions,
            act("zoom-out", "Zoom out", () => view.zoom(1 / 1.25)), this.percent, act("zoom-in", "Zoom in", () => view.zoom(1.25)),
            act("fit", "Show the whole picture (R)", () => canvas.reset()), act("screen", "Full screen (S)", () => canvas.large("screen")),
            this.opener("keys", "Keys"),
            tool("canvas-open", "Choose a picture", () => choosePicture(canvas), { dataset: { always: "" } }),
            act("remove", "Remove the picture", () => canvas.clear()),
        ]);
    }

    /** A button that opens a panel of its name. @param {string} name @param {string} words @param {string} [needs] */
    opener(name, words, needs = "") {
        return tool(`canvas-${name}`, words, () => this.canvas.panel(name), { dataset: { needs, panel: name } });
    }

    featherPanel() {
        const reach = element("input", { type: "number", min: 1, max: 256, value: 16, "aria-label": "Pixels to soften the edge by" });
        const apply = () => {
            const pixels = Math.round(Number(reach.value));
            if (pixels >= 1 && pixels <= 256) this.canvas.drawing.feather(pixels);
            else say(`The edge cannot be softened by '${reach.value}' pixels.`, "Give a number from 1 to 256.");
        };
        return element("div", { class: "toolbar canvas-panel", hidden: true, role: "group", "aria-label": "Soften the mask's edge" },
            element("label", {}, element("span", {}, "Soften the edge by"), reach),
            element("button", { type: "button", onclick: apply }, "Soften"));
    }

    marginPanel() {
        const { canvas } = this;
        const field = (/** @type {string} */ side, /** @type {number} */ at) => {
            const made = element("input", { type: "number", min: 0, max: 4096, step: 8, value: 0, "aria-label": `Pixels to add: ${side}`,
                onchange: () => canvas.margin(at, Number(made.value)) });
            return made;
        };
        const more = (/** @type {string} */ side, /** @type {number} */ at, /** @type {number} */ pixels) => {
            const name = `${side}: ${pixels} pixels more`;
            return element("button", { type: "button", title: name, "aria-label": name,
                onclick: () => canvas.margin(at, canvas.drawing.margin[at] + pixels) }, `+${pixels}`);
        };
        this.fields = SIDES.map(field);
        const groups = SIDES.map((side, at) => element("span", { class: "margin" },
            element("span", { class: "quiet" }, side), this.fields?.[at], more(side, at, 64), more(side, at, 128)));
        const none = element("button", { type: "button", onclick: () => canvas.drawing.extend([0, 0, 0, 0]) }, "None");
        const name = "Outpaint: pixels to add on each side";
        return element("div", { class: "toolbar canvas-panel", hidden: true, role: "group", "aria-label": name }, ...groups, none);
    }

    /** Show what can be done now. */
    update() {
        const { canvas } = this, { drawing } = canvas, picture = Boolean(drawing.picture);
        const layer = LAYER_TOOLS[canvas.mode];
        for (const each of this.top.querySelectorAll("[data-needs]")) {
            const needs = each.dataset.needs;
            each.hidden = (needs === "mask" && layer !== "mask") || (needs === "layer" && !layer);
        }
        for (const each of this.top.querySelectorAll("[data-tool]")) {
            each.hidden = !layer && each.dataset.tool !== "frame";
            each.setAttribute("aria-pressed", String(each.dataset.tool === canvas.tool));
        }
        this.colour.hidden = !layer;
        const name = layer === "mask" ? "Colour of the mask on the screen" : "Colour of the brush";
        Object.assign(this.colour, { title: name, ariaLabel: name, value: canvas.colour });
        for (const each of this.top.querySelectorAll("button, input")) each.disabled = !picture;
        for (const each of this.bottom.querySelectorAll("button:not([data-always])")) each.disabled = !picture;
        const can = (/** @type {string} */ action, /** @type {boolean} */ possible) => {
            this.top.querySelector(`[data-action=${action}]`).disabled = !possible;
        };
        can("undo", drawing.past.length > 0);
        can("redo", drawing.future.length > 0);
        for (const [panel, open] of [["feather", canvas.opened === "feather" && layer === "mask"], ["keys", canvas.opened === "keys"]]) {
            this.top.parentElement?.querySelector(`[data-panel=${panel}]`)?.setAttribute("aria-pressed", String(open));
            /** @type {any} */ (this)[/** @type {string} */ (panel)].hidden = !open;
        }
        this.margins.hidden = canvas.tool !== "frame" || !picture;
        this.fields?.forEach((field, at) => (field.value = String(drawing.margin[at])));
        this.size.value = String(turnOf(canvas.size));
        this.size.setAttribute("aria-valuetext", `${canvas.size} pixels`);
        this.pixels.textContent = `${canvas.size} px`;
        const size = drawing.size;
        this.dimensions.textContent = size ? `${size.width} × ${size.height}` : "";
        this.percent.textContent = picture ? `${Math.round((canvas.view.scale / canvas.view.density) * 100)} %` : "";
        rove(this.top);
        rove(this.bottom);
    }
}

/** A toolbar: one stop for the tab key, arrows go on from there. @param {string} name @param {HTMLElement[]} children */
function bar(name, children) {
    const made = element("div", { class: "toolbar canvas-bar", role: "toolbar", "aria-label": name }, ...children);
    made.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
        const all = reachable(made), at = all.indexOf(/** @type {any} */ (document.activeElement));
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
        if (to === undefined || at < 0) return;
        event.preventDefault();
        all[(to + all.length) % all.length].focus();
    });
    made.addEventListener("focusin", () => rove(made));
    return made;
}

/** @param {HTMLElement} bar @returns {HTMLElement[]} */
function reachable(bar) {
    const all = /** @type {NodeListOf<any>} */ (bar.querySelectorAll("button, input"));
    return [...all].filter((each) => !each.disabled && !each.closest("[hidden]"));
}

/** @param {HTMLElement} bar */
function rove(bar) {
    const all = reachable(bar);
    const first = all.find((each) => each === document.activeElement) ?? all.find((each) => each.tabIndex === 0) ?? all[0];
    for (const each of all) each.tabIndex = each === first ? 0 : -1;
}
