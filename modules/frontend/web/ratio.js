// @ts-check
// Aspect ratios for width and height: a menu beside them that keeps the area, and "512x768" pasted into either.
import { element, tool } from "./dom.js";
import { put, values } from "./fields.js";
import { openMenu } from "./menu.js";

/** @typedef {"txt2img" | "img2img"} FormTab */

const RATIOS = [[1, 1], [5, 4], [4, 3], [3, 2], [16, 9], [21, 9]];
const STEP = 8;
const LEAST = 64;
const MOST = 2048;
const SIZE = /^\s*(\d{2,5})\s*(?:[x×*:,;]|\s)\s*(\d{2,5})\s*$/i;

/** @param {number} side */
const side = (side) => Math.min(MOST, Math.max(LEAST, Math.round(side / STEP) * STEP));

/**
 * The size of a ratio with the area of another size; sides are multiples of 8.
 * @param {number} across
 * @param {number} down
 * @param {number} area
 * @returns {[number, number]}
 */
export function sized(across, down, area) {
    const unit = Math.sqrt(area / (across * down));
    return [side(across * unit), side(down * unit)];
}

/** @param {FormTab} tab @returns {[number, number]} */
function size(tab) {
    const { width, height } = values(tab);
    return [Number(width) || 512, Number(height) || 512];
}

/** @param {FormTab} tab @param {HTMLElement} door */
function menu(tab, door) {
    const [width, height] = size(tab);
    const ratios = [...RATIOS, ...RATIOS.slice(1).map(([across, down]) => [down, across])];
    openMenu(door, "Aspect ratio", ratios.map(([across, down]) => {
        const [w, h] = sized(across, down, width * height);
        return { words: `${across}:${down}`, more: `${w}x${h}`, checked: w === width && h === height, act: () => put(tab, { width: w,
            height: h }) };
    }));
}

/** @param {FormTab} tab @param {HTMLElement} place */
function attach(tab, place) {
    place.dataset.ratios = "true";
    const door = tool("ratio", "Aspect ratio", () => menu(tab, door), { id: `${tab}_ratio`, "aria-haspopup": "menu",
        "aria-expanded": "false" });
    place.append(element("span", { class: "webui ratios" }, door));
}

/** @param {ClipboardEvent} event */
function pasted(event) {
    const field = event.target instanceof Element ? event.target
        .closest("#txt2img_width, #txt2img_height, #img2img_width, #img2img_height") : null;
    const match = field && SIZE.exec(event.clipboardData?.getData("text") ?? "");
    if (!field || !match) return;
    event.preventDefault();
    event.stopPropagation();
    put(/** @type {FormTab} */ (field.id.split("_")[0]), { width: Number(match[1]), height: Number(match[2]) });
}

export function startRatios() {
    const look = () => {
        for (const tab of /** @type {const} */ (["txt2img", "img2img"])) {
            const place = document.getElementById(`${tab}_dimensions_row`);
            if (place && !place.dataset.ratios) attach(tab, place);
        }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
    look();
    document.addEventListener("paste", pasted, true);
}
