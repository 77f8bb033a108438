// @ts-check
// What is in the fields outlives a reload: kept by name, first for this tab, else as it last was in any. And values put into them by the page.

/** @typedef {{name: string, start: unknown, choices: unknown[]}} Field */

/** The fields of each form, in the order in which Gradio gives their values. @type {Map<string, Field[]>} */
const known = new Map();
/** What each form's fields hold now, by name. @type {Map<string, Record<string, unknown>>} */
const held = new Map();
/** Values on their way into fields. @type {Map<string, Record<string, unknown>>} */
const coming = new Map();
/** @param {string} tab */
const key = (tab) => `webui-fields-${tab}`;

/** Keep the fields' values. @param {string} tab @param {unknown[]} values in the fields' order */
export function keep(tab, values) {
    const fields = known.get(tab);
    if (!fields) return [];
    const now = Object.fromEntries(fields.map((field, place) => [field.name, values[place]]));
    held.set(tab, now);
    const text = JSON.stringify(now);
    sessionStorage.setItem(key(tab), text);
    localStorage.setItem(key(tab), text);
    document.dispatchEvent(new CustomEvent("webui-fields", { detail: { tab, values: now } }));
    return [];
}

/**
 * The values that were kept, in the fields' order; those that are not known, or no longer among the choices, stay as they are.
 * @param {string} tab
 * @param {Field[]} fields
 * @param {unknown[]} values
 */
export function restore(tab, fields, values) {
    known.set(tab, fields);
    const kept = JSON.parse(sessionStorage.getItem(key(tab)) ?? localStorage.getItem(key(tab)) ?? "{}");
    const restored = fields.map(({ name, choices }, place) => {
        const usable = name in kept && typeof kept[name] === typeof values[place] && (!choices.length || choices.includes(kept[name]));
        return usable || (name in kept && Array.isArray(kept[name])) ? kept[name] : values[place];
    });
    held.set(tab, Object.fromEntries(fields.map((field, place) => [field.name, restored[place]])));
    document.dispatchEvent(new CustomEvent("webui-fields", { detail: { tab, values: held.get(tab) } }));
    return restored;
}

/** What a form's fields hold, by name. @param {string} tab @returns {Record<string, unknown>} */
export const values = (tab) => ({ ...(held.get(tab) ?? {}) });

/** What a form's fields begin with, by name. @param {string} tab @returns {Record<string, unknown>} */
export const starts = (tab) => Object.fromEntries((known.get(tab) ?? []).map(({ name, start }) => [name, start]));

/** Put values into a form's fields; names that it does not have are passed over. @param {string} tab @param {Record<string, unknown>} wanted */
export function put(tab, wanted) {
    coming.set(tab, { ...(coming.get(tab) ?? {}), ...wanted });
    const look = () => {
        const button = document.getElementById(`${tab}_put`);
        if (button) button.click();
        else requestAnimationFrame(look);
    };
    look();
}

/** The fields' values with those that `put` was given; Gradio's event takes them. @param {string} tab @param {unknown[]} values */
export function taken(tab, values) {
    const wanted = coming.get(tab) ?? {};
    coming.delete(tab);
    return (known.get(tab) ?? []).map(({ name }, place) => (name in wanted ? wanted[name] : values[place]));
}
