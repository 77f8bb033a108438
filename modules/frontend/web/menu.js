// @ts-check
// A small menu beside what opened it: arrows walk through it, Enter chooses, Esc or a click elsewhere closes it.
import { element } from "./dom.js";

/** @typedef {{words: string, more?: string, checked?: boolean, disabled?: boolean, act: () => unknown}} Item */

const SETTLED = 200; // milliseconds

/** @type {(() => void) | undefined} */
let closeOpen;

/**
 * Open a menu.
 * @param {HTMLElement} door what opened it; gets the focus back
 * @param {string} name for screen readers
 * @param {Item[]} items
 * @param {{x?: number, y?: number}} [place] where a pointer asked for it; without it under the door
 */
export function openMenu(door, name, items, { x, y } = {}) {
    closeOpen?.();
    const entries = items.map((item) => element("button", {
        type: "button", class: "plain", role: item.checked === undefined ? "menuitem" : "menuitemradio", tabIndex: -1,
            disabled: item.disabled,
        "aria-checked": item.checked === undefined ? undefined : String(item.checked), onclick: () => (close(), item.act()),
    }, element("span", {}, item.words), item.more && element("small", { translate: "no" }, item.more)));
    const menu = element("div", { class: "webui webui-menu", role: "menu", "aria-label": name }, ...entries);
    const end = new AbortController();
    const close = () => {
        end.abort();
        menu.remove();
        closeOpen = undefined;
        door.setAttribute("aria-expanded", "false");
        if (menu.contains(document.activeElement) || document.activeElement === document.body) door.focus();
    };
    closeOpen = close;
    document.body.append(menu);
    door.setAttribute("aria-expanded", "true");
    put(menu, door, x, y);
    entries.find((entry) => !entry.disabled)?.focus({ preventScroll: true });
    menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => keys(event, entries, close));
    const away = (/** @type {Event} */ event) => !menu.contains(/** @type {Node} */ (event.target)) && close();
    addEventListener("pointerdown", away, { capture: true, signal: end.signal });
    addEventListener("blur", close, { signal: end.signal });
    // A scroll that is still under way when the door is clicked is not meant for the menu.
    setTimeout(() => addEventListener("scroll", away, { capture: true, signal: end.signal }), SETTLED);
}

/** @param {KeyboardEvent} event @param {HTMLElement[]} entries @param {() => void} close */
function keys(event, entries, close) {
    const usable = entries.filter((entry) => !(/** @type {any} */ (entry).disabled));
    const at = usable.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) usable.at(to % usable.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
}

/** @param {HTMLElement} menu @param {HTMLElement} door @param {number} [x] @param {number} [y] */
function put(menu, door, x, y) {
    const from = door.getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const left = Math.min(x ?? from.left, innerWidth - width - 8);
    const below = y ?? from.bottom + 4;
    const top = below + height > innerHeight - 8 ? Math.max(8, (y ?? from.top - 4) - height) : below;
    menu.style.left = `${Math.max(8, left)}px`;
    menu.style.top = `${top}px`;
}

/**
 * Have an element open a menu by the right button, a long press, and the keyboard's menu key.
 * @param {HTMLElement} target
 * @param {(place: {x?: number, y?: number}) => void} open
 */
export function onContext(target, open) {
    let pressed = 0;
    let held = false;
    target.addEventListener("contextmenu", (event) => {
        event.preventDefault();
        if (held) return; // the long press has opened it
        const byKey = event.clientX === 0 && event.clientY === 0;
        open(byKey ? {} : { x: event.clientX, y: event.clientY });
    });
    target.addEventListener("pointerdown", (event) => {
        held = false;
        if (event.pointerType === "mouse") return;
        pressed = window.setTimeout(() => ((held = true), open({})), 550);
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) target.addEventListener(name, () => clearTimeout(pressed));
    target.addEventListener("click", (event) => {
        if (!held) return;
        held = false; // the end of a long press is no click
        event.preventDefault();
        event.stopImmediatePropagation();
    }, true);
}
