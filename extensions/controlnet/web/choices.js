// @ts-check
// What there is to choose: preprocessors, models, and the control types that bring them together. Asked for once, and again by a button.
import { call } from "easel/extension.js";

/**
 * @typedef {object} SliderOf
 * @property {string} label
 * @property {number} least
 * @property {number} most
 * @property {number} step
 * @property {number} value the default
 */
/**
 * @typedef {object} Preprocessor
 * @property {string} name
 * @property {string} title
 * @property {boolean} resolution whether it works at a resolution of its own
 * @property {(SliderOf | null)[]} sliders
 * @property {boolean} mask whether it looks at the mask
 * @property {boolean} model_free whether it does its work without a model
 * @property {boolean} approximate whether it is followed roughly without a model
 * @property {string} post
 * @property {boolean} poses whether it draws poses, which can be edited
 */
/** @typedef {{name: string, module_list: string[], model_list: string[], default_option: string, default_model: string}} ControlType */
/** @typedef {{preprocessors: Preprocessor[], models: string[], types: ControlType[], here: boolean}} Choices `here`: folders can be named */

/** @type {Promise<Choices | undefined> | undefined} */
let asked;

/** @param {{again?: boolean}} [how] @returns {Promise<Choices | undefined>} undefined if the program does not answer, which is said */
export async function choices({ again = false } = {}) {
    if (again) asked = undefined;
    asked ??= call(`webui/extensions/controlnet/choices${again ? "?again=true" : ""}`);
    const found = await asked;
    if (!found) asked = undefined;
    return found;
}
