// @ts-check
// The canvas's keys, as A1111 has them and the settings name them, while the pointer is over it or it has the focus; and the wheel.
import { setting } from "./page_settings.js";

/** @typedef {import("./canvas.js").Canvas} Canvas */

const TEXT = "textarea, select, input:not([type=range], [type=color], [type=checkbox], [type=button]), [contenteditable=true]";
const STEP = 1.15;

/** A key of the settings, as events name it. @param {string} name @param {string} otherwise */
const keyOf = (name, otherwise) => setting(`canvas_hotkey_${name}`, otherwise).toLowerCase();
/** A key to hold while the wheel turns. @param {string} name @param {string} otherwise @returns {string} Alt, Ctrl or Shift */
const modifier = (name, otherwise) => setting(`canvas_hotkey_${name}`, otherwise);
/** @param {MouseEvent} event @param {string} name */
const holds = (event, name) => ({ Alt: event.altKey, Ctrl: event.ctrlKey || event.metaKey, Shift: event.shiftKey })[name] ?? false;
const shown = (/** @type {string} */ name, /** @type {string} */ otherwise) => keyOf(name, otherwise).toUpperCase();

/** What the keys do, for people to read. @returns {[string, string][]} */
export const keys = () => [
    [`${modifier("adjust", "Ctrl")} + wheel, ${shown("shrink_brush", "Q")} ${shown("grow_brush", "W")}, [ ]`, "Brush size"],
    [`${modifier("zoom", "Alt")} + wheel, + −`, "Zoom"],
    [`${shown("move", "F")} or space and drag, middle button`, "Move the picture"],
    [shown("reset", "R"), "Show the whole picture"],
    [`${shown("fullscreen", "S")}, Esc`, "Full screen and back"],
    [shown("overlap", "O"), "Over the page's other half"],
    ["B, E, G", "Brush, eraser, fill an area"],
    ["Shift + click", "A straight line from the last stroke"],
    ["Ctrl + Z, Ctrl + Y", "Undo, redo"],
    ["Ctrl + V", "Paste a picture"],
];

/** Whether an event comes from a field that takes text. @param {Event} event */
export const inText = (event) => event.target instanceof Element && event.target.closest(TEXT) !== null;

/** @param {Canvas} canvas @returns {() => void} takes the listeners away */
export function listenToKeys(canvas) {
    const held = new Set([keyOf("move", "F"), " "]);
    const down = (/** @type {KeyboardEvent} */ event) => {
        if (event.isComposing || !canvas.attended(event)) return;
        if (event.key === "Escape" && canvas.leaveLarge()) return taken(event);
        if (inText(event)) return;
        if (held.has(event.key.toLowerCase()) && !event.ctrlKey && !event.metaKey && !event.altKey && !onButton(event)) {
            canvas.pointer.moving = true;
            canvas.pointer.show();
            return taken(event);
        }
        const act = actionOf(canvas, event);
        if (!act) return;
        act();
        taken(event);
    };
    const up = (/** @type {KeyboardEvent} */ event) => {
        if (!held.has(event.key.toLowerCase()) || !canvas.pointer.moving) return;
        canvas.pointer.moving = false;
        canvas.pointer.show();
    };
    const away = () => (canvas.pointer.moving = false);
    addEventListener("keydown", down, true); // before the page's own keys: Esc would stop a job
    addEventListener("keyup", up, true);
    addEventListener("blur", away);
    canvas.stage.addEventListener("wheel", (event) => turned(canvas, event), { passive: false });
    return () => {
        removeEventListener("keydown", down, true);
        removeEventListener("keyup", up, true);
        removeEventListener("blur", away);
    };
}

/** @param {Event} event */
function taken(event) {
    event.preventDefault();
    event.stopPropagation();
}

/** @param {KeyboardEvent} event */
const onButton = (event) =>
    event.key === " " && event.target instanceof Element && event.target.closest("button, input, [role=button]") !== null;

/** @param {Canvas} canvas @param {KeyboardEvent} event @returns {(() => void) | undefined} */
function actionOf(canvas, event) {
    const key = event.key.toLowerCase();
    if (event.altKey) return undefined;
    if (event.ctrlKey || event.metaKey) {
        if (key === "z") return () => (event.shiftKey ? canvas.drawing.redo() : canvas.drawing.undo());
        return key === "y" ? () => canvas.drawing.redo() : undefined;
    }
    if (key === keyOf("reset", "R")) return () => canvas.reset();
    if (key === keyOf("fullscreen", "S")) return () => canvas.large("screen");
    if (key === keyOf("overlap", "O")) return () => canvas.large("overlap");
    if (key === "+" || key === "=") return () => canvas.view.zoom(STEP);
    if (key === "-") return () => canvas.view.zoom(1 / STEP);
    if (!canvas.draws) return undefined;
    if (key === keyOf("shrink_brush", "Q") || key === "[") return () => canvas.resizeBrush(1 / STEP);
    if (key === keyOf("grow_brush", "W") || key === "]") return () => canvas.resizeBrush(STEP);
    const tool = { b: "brush", e: "eraser", g: "bucket" }[key];
    return tool ? () => canvas.choose(/** @type {any} */ (tool)) : undefined;
}

/** @param {Canvas} canvas @param {WheelEvent} event */
function turned(canvas, event) {
    if (!canvas.drawing.picture) return;
    const factor = STEP ** (-(event.deltaY || event.deltaX) / (event.deltaMode ? 3 : 100)); // Alt and Shift turn a wheel sideways in places
    const adjusts = holds(event, modifier("adjust", "Ctrl"));
    if (adjusts && canvas.draws) canvas.resizeBrush(factor);
    else if (adjusts || holds(event, modifier("zoom", "Alt")) || canvas.classList.contains("screen")) {
        const { x, y } = canvas.pointer.at(/** @type {any} */ (event));
        canvas.view.zoom(factor, x, y);
    } else return;
    canvas.pointer.show();
    taken(event);
}
