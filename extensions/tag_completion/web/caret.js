// @ts-check
// Where the caret of a text box stands on the page: measured in a copy of the box that nobody sees.

const COPIED = /** @type {const} */ ([
    "boxSizing", "width", "paddingTop", "paddingRight", "paddingBottom", "paddingLeft", "borderTopWidth", "borderRightWidth", "borderBottomWidth",
    "borderLeftWidth", "borderStyle", "fontStyle", "fontVariant", "fontWeight", "fontSize", "lineHeight", "fontFamily", "textAlign", "textTransform",
    "textIndent", "letterSpacing", "wordSpacing", "tabSize", "direction",
]);

/**
 * @param {HTMLTextAreaElement} box
 * @param {number} place in its text
 * @returns {{left: number, top: number, bottom: number}} in the window
 */
export function caretPlace(box, place) {
    const copy = document.createElement("div");
    const look = getComputedStyle(box);
    for (const name of COPIED) copy.style[name] = look[name];
    Object.assign(copy.style, { position: "absolute", top: "0", left: "-9999px", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word" });
    copy.textContent = box.value.slice(0, place);
    const mark = document.createElement("span");
    mark.textContent = box.value.slice(place, place + 1) || ".";
    copy.append(mark);
    document.body.append(copy);
    const edge = box.getBoundingClientRect();
    const height = parseFloat(look.lineHeight) || parseFloat(look.fontSize) * 1.4;
    const top = edge.top + mark.offsetTop - box.scrollTop + parseFloat(look.borderTopWidth);
    const left = edge.left + mark.offsetLeft - box.scrollLeft;
    copy.remove();
    return { left, top: Math.max(edge.top, top), bottom: Math.min(edge.bottom, top + height) };
}
