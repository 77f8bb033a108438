// @ts-check
// Generate forever: the form is submitted again whenever its last job has ended. It ends with the tab, with an error, or by hand.
import { element } from "./dom.js";
import { changes, current, formOf } from "./jobs.js";
import { onContext, openMenu } from "./menu.js";

/** @typedef {"txt2img" | "img2img"} FormTab */

const PATIENCE = 15_000; // milliseconds until a click on Generate must have queued a job: else the form was refused
/** Forms that generate forever, with the time of the click whose job has not come yet. @type {Map<FormTab, number>} */
const running = new Map();

/** @param {string} tab */
const generate = (tab) => document.getElementById(`${tab}_generate`);

/** @param {FormTab} tab */
export function begin(tab) {
    running.set(tab, 0);
    sign(tab);
    go(tab);
}

/** @param {FormTab} tab */
export function end(tab) {
    running.delete(tab);
    sign(tab);
}

/** Submit a form unless it has a job that waits or runs. @param {FormTab} tab */
function go(tab) {
    const asked = running.get(tab);
    if (asked === undefined || current(tab)) return;
    if (asked && Date.now() - asked < PATIENCE) return; // on its way
    if (asked) return end(tab);
    running.set(tab, Date.now());
    generate(tab)?.click();
    setTimeout(() => go(tab), PATIENCE + 100);
}

/** What says that it goes on, with the button that ends it. @param {FormTab} tab */
function sign(tab) {
    document.getElementById(`${tab}_forever`)?.remove();
    if (!running.has(tab)) return;
    generate(tab)?.after(element("div", { id: `${tab}_forever`, class: "webui forever", role: "status" },
        element("span", {}, "Generating forever"),
        element("button", { type: "button", onclick: () => end(tab) }, "Stop")));
}

/** @param {FormTab} tab @param {HTMLElement} door @param {{x?: number, y?: number}} [place] */
function menu(tab, door, place) {
    const on = running.has(tab);
    openMenu(door, "Generate", [
        { words: "Generate forever", disabled: on, act: () => begin(tab) },
        { words: "Stop generating forever", disabled: !on, act: () => end(tab) },
    ], place);
}

/**
 * Give a Generate button its menu: by right click, long press and menu key, and by a small button on it.
 * @param {FormTab} tab
 * @param {HTMLElement} button
 */
function attach(tab, button) {
    button.dataset.menu = "true";
    onContext(button, (place) => menu(tab, button, place));
    const door = element("button", {
        type: "button", class: "generate-menu", title: "More ways to generate", "aria-label": "More ways to generate",
            "aria-haspopup": "menu",
        "aria-expanded": "false", onclick: () => menu(tab, door),
    });
    button.after(door);
}

export function startForever() {
    const look = () => {
        for (const tab of /** @type {const} */ (["txt2img", "img2img"])) {
            const button = generate(tab);
            if (button && !button.dataset.menu) attach(tab, button);
        }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
    look();
    changes.addEventListener("submitted", () => running.forEach((_, tab) => current(tab) && running.set(tab, 0)));
    changes.addEventListener("ended", (event) => {
        const job = /** @type {CustomEvent} */ (event).detail;
        const tab = formOf(job);
        if (!tab || !running.has(tab)) return;
        if (job.state === "failed" || job.state === "cancelled") return end(tab);
        running.set(tab, 0);
        setTimeout(() => go(tab)); // after the others have heard of its end
    });
}
