// @ts-check
// The settings that the page itself goes by, as the program wrote them into the page's head.

/**
 * @template T
 * @param {string} key A1111's name of the setting
 * @param {T} otherwise its value where the program has said none
 * @returns {T}
 */
export const setting = (key, otherwise) => /** @type {any} */ (window).webuiSettings?.[key] ?? otherwise;
