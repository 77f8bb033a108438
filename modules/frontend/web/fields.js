// @ts-check
// What is in the fields outlives a reload: kept by name, first for this tab, else as it last was in any.

/** @typedef {{name: string, choices: unknown[]}} Field */

let restored = false;
/** @param {string} tab */
const key = (tab) => `webui-fields-${tab}`;

/**
 * Keep the fields' values.
 * @param {string} tab
 * @param {Field[]} fields in the order of the values
 * @param {unknown[]} values
 */
export function keep(tab, fields, values) {
    if (!restored) return [];
    const text = JSON.stringify(Object.fromEntries(fields.map((field, place) => [field.name, values[place]])));
    sessionStorage.setItem(key(tab), text);
    localStorage.setItem(key(tab), text);
    return [];
}

/**
 * The values that were kept, in the fields' order; those that are not known, or no longer among the choices, stay as they are.
 * @param {string} tab
 * @param {Field[]} fields
 * @param {unknown[]} values
 */
export function restore(tab, fields, values) {
    restored = true;
    const kept = JSON.parse(sessionStorage.getItem(key(tab)) ?? localStorage.getItem(key(tab)) ?? "{}");
    return fields.map(({ name, choices }, place) => {
        const usable = name in kept && (!choices.length || choices.includes(kept[name]));
        return usable ? kept[name] : values[place];
    });
}
