// @ts-check
// Pictures that the program keeps for the page: panels hold their names, and their bytes join the request when it is sent.
import { say } from "./notices.js";
import { call } from "./server.js";

/** @typedef {{upload: string}} Kept a picture by its upload's id */
/** @typedef {Kept | string | null | undefined} Given a picture as a panel may be given one: kept, as base64, or none */

const LARGEST = 64 * 2 ** 20; // bytes the program takes in one request
export const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"];

/** @param {any} value @returns {value is Kept} */
export const isKept = (value) => typeof value?.upload === "string";

/** Have the program keep a picture; what it refuses is said. @param {Blob} blob @returns {Promise<Kept | undefined>} */
export async function keepPicture(blob) {
    const name = blob instanceof File ? blob.name : "picture.png";
    if (blob.size > LARGEST) say(`'${name}' is larger than 64 MB.`);
    else if (blob.type && !TYPES.includes(blob.type)) say(`'${name}' is no picture.`, "PNG, JPEG, WEBP, GIF and AVIF can be used.");
    else {
        const kept = await call("webui/uploads", { body: blob });
        if (kept) return { upload: kept.id };
    }
    return undefined;
}

/** The picture by its upload's id, whatever it was given as. @param {Given} value @returns {Promise<Kept | null>} null for none, and for what is none */
export async function kept(value) {
    if (!value) return null;
    if (isKept(value)) return value;
    const answer = await fetch(pictureAddress(value)).catch(() => undefined);
    return (answer && (await keepPicture(await answer.blob()))) ?? null;
}

/** Where a picture can be fetched; empty for none. @param {Given} value */
export function pictureAddress(value) {
    if (!value) return "";
    if (isKept(value)) return `webui/uploads/${value.upload}`;
    return value.startsWith("data:") ? value : `data:${typeOf(value)};base64,${value}`;
}

/** What an extension's own route hands to `host.program.picture`. @param {Given} value */
export const pictureReference = (value) => (isKept(value) ? value.upload : value ?? "");

/** @param {string} base64 @returns {string} the media type of a picture file, by its first bytes */
function typeOf(base64) {
    const types = { iVBOR: "image/png", "/9j/": "image/jpeg", UklGR: "image/webp", R0lGO: "image/gif" };
    return Object.entries(types).find(([start]) => base64.startsWith(start))?.[1] ?? "image/avif";
}

/**
 * Options of a panel with each picture among them kept, so that what the page remembers stays small.
 * @param {any[]} fields
 * @param {Record<string, any>} values
 * @returns {Promise<Record<string, any>>}
 */
export async function withKept(fields, values) {
    const found = { ...values };
    for (const { name, control, fields: inner } of fields) {
        if (control === "image" && typeof found[name] === "string") found[name] = await kept(found[name]);
        if (control === "units" && Array.isArray(found[name]))
            found[name] = await Promise.all(found[name].map((/** @type {any} */ unit) => withKept(inner, unit)));
    }
    return found;
}
