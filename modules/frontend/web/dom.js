// @ts-check
// Elements made in one expression, for the parts of the page that are not Gradio's.

/**
 * An element. Names that begin with "on" are listeners, `dataset` and `style` take objects, "class", "aria-..." and the like become
 * attributes, the rest properties. Texts among the children stay texts: nothing is ever read as HTML.
 * @param {string} tag
 * @param {Record<string, any>} [values]
 * @param {...(Node | string | number | false | null | undefined)} children
 * @returns {any} the element
 */
export function element(tag, values = {}, ...children) {
    const made = /** @type {any} */ (document.createElement(tag));
    for (const [name, value] of Object.entries(values)) {
        if (value === undefined || value === null) continue;
        if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else if (name === "dataset" || name === "style") Object.assign(made[name], value);
        else if (name === "translate") made.translate = value !== false && value !== "no";
        else if (name in made && !name.includes("-") && name !== "list") made[name] = value;
        else if (value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children) if (child || child === 0) made.append(child instanceof Node ? child : String(child));
    return made;
}

/** A button with an icon of icons.css; its name is for screen readers and the tooltip. @param {string} icon @param {string} name @param {() => unknown} act @param {Record<string, any>} [more] */
export const tool = (icon, name, act, more = {}) =>
    element("button", { type: "button", class: `tool icon-${icon}`, title: name, "aria-label": name, onclick: act, ...more });

/**
 * A function that runs once things have been quiet for some milliseconds.
 * @template {unknown[]} T
 * @param {(...values: T) => unknown} act
 * @param {number} pause
 * @returns {(...values: T) => void}
 */
export function afterwards(act, pause) {
    let timer = 0;
    return (...values) => {
        clearTimeout(timer);
        timer = window.setTimeout(() => act(...values), pause);
    };
}
