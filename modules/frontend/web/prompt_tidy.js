// @ts-check
// Tidying up a prompt: blanks, commas, punctuation of East Asian keyboards. What is a name or a comment stays as it is.
import { say } from "./notices.js";
import { box, replace } from "./prompt.js";
import { unpaired } from "./tokens.js";

/** Networks, wildcards, separators of a choice, and what stands behind a #. */
const UNTOUCHED = /<[^<>\n]*>|__\S+?__|\$\$[^${}|\n]*\$\$|#.*/g;
/** Signs of other widths that prompts use, where they are not 0xFEE0 apart. @type {Record<string, string>} */
const WIDE = { "\u3000": " ", "、": ",", "。": ".", "【": "[", "】": "]", "〔": "[", "〕": "]" };

/** A prompt without what is there twice or in another script's form; words and their order stay. @param {string} text */
export function tidied(text) {
    /** @type {string[]} */
    const kept = [];
    const held = text.replace(UNTOUCHED, (found) => `\uE000${kept.push(found) - 1}\uE001`);
    const lines = held.replace(/[\u3000、。【】〔〕]/g, (sign) => WIDE[sign])
        .replace(/[\uFF01-\uFF5E]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xFEE0))
        .replace(/\r\n?/g, "\n").split("\n").map(line);
    const whole = lines.join("\n").replace(/\n{3,}/g, "\n\n").replace(/^[\s,]+/, "").replace(/[\s,]+$/, "");
    return whole.replace(/\uE000(\d+)\uE001/g, (_, place) => kept[Number(place)]);
}

/** @param {string} text one line of a prompt */
function line(text) {
    return text.replace(/[^\S\n]+/g, " ")
        .replace(/ *,(?: *,)* */g, (found, place, all) => (found === "," && /^\d,\d/.test(all.slice(place - 1, place + 2)) ? "," : ", "))
        .replace(/(?<!\\)\( +/g, "(").replace(/ +(?<!\\)\)/g, ")")
        .replace(/ *: *(-?\d*\.?\d+)\)/g, ":$1)")
        .replace(/^(?:, )+/, ", ").trim();
}

/** Tidy up both prompts; the browser's undo takes it back. What is wrong with brackets is said, and not guessed at. @param {string} tab */
export function tidy(tab) {
    /** @type {string[]} */
    const wrong = [];
    for (const id of [`${tab}_neg_prompt`, `${tab}_prompt`]) {
        const field = box(id);
        if (!field?.value) continue;
        const clean = tidied(field.value);
        if (clean !== field.value) replace(field, 0, field.value.length, clean);
        const problem = unpaired(clean);
        if (problem) wrong.push(problem);
    }
    if (wrong.length) say("Brackets without a partner were left as they are.", wrong.join("; "));
    return [];
}
