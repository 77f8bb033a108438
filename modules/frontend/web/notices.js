// @ts-check
// What went wrong, said in a corner of the page until it is closed or old.

const SECONDS = 20;
const MOST = 4;

/** @returns {HTMLElement} */
function corner() {
    let place = document.getElementById("webui-notices");
    if (!place) {
        place = document.createElement("div");
        place.id = "webui-notices";
        place.setAttribute("role", "alert");
        place.popover = "manual"; // above dialogs, which stand in the browser's top layer
        document.body.append(place);
    }
    return place;
}

/** @param {string} text what is wrong @param {string | null} [hint] what to do */
export function say(text, hint) {
    const notice = document.createElement("div");
    for (const words of [text, hint]) {
        if (!words) continue;
        const line = document.createElement("p");
        line.textContent = words;
        notice.append(line);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", "Close this message");
    close.onclick = () => notice.remove();
    notice.append(close);
    const place = corner();
    place.append(notice);
    if (place.matches(":popover-open")) place.hidePopover(); // a dialog may have been opened since
    place.showPopover();
    while (place.childElementCount > MOST) place.firstElementChild?.remove();
    setTimeout(() => notice.remove(), SECONDS * 1000);
}

/** A notice from the program, as JSON. @param {string} value */
export function take(value) {
    if (value) {
        const { text, hint } = JSON.parse(value);
        say(text, hint);
    }
    return [];
}
