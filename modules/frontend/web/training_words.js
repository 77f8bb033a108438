// @ts-check
// Numbers and states as the Train tab says them.
import { lasting, sizeOf } from "./models_words.js";

export { lasting, sizeOf };

/** @type {Record<string, string>} */
export const STATES = {
    queued: "Waiting for its turn", starting: "Starting", running: "Training", pausing: "Pausing", paused: "Paused", stopping: "Stopping",
    done: "Done", stopped: "Stopped", failed: "Failed", lost: "Its process is gone",
};

/** @type {Record<string, string>} */
export const PHASES = {
    loading: "Loading the checkpoint", "class pictures": "Making pictures of the class", latents: "Reading the pictures",
    texts: "Reading the captions", training: "Training", sampling: "Making sample pictures", saving: "Saving",
    probing: "Looking at held-out pictures", paused: "Paused", finishing: "Finishing",
};

export const GOING = ["starting", "running", "pausing", "stopping"];
export const ENDED = ["done", "stopped", "failed", "lost"];

/** A number of any size in a few digits: 0.1234, 12.3, 1,234, 1.2e-7. @param {number} value */
export function plain(value) {
    const size = Math.abs(value);
    if (value === 0) return "0";
    if (size < 0.001) return value.toExponential(size < 1e-9 ? 1 : 2).replace(/\.?0+e/, "e");
    if (size >= 1000) return Math.round(value).toLocaleString("en");
    return String(Number(value.toPrecision(4)));
}

/** @param {number} share 0..1 */
export const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** @param {number} seconds since 1970 */
export const moment = (seconds) => new Date(seconds * 1000).toLocaleString(document.documentElement.lang || undefined,
    { dateStyle: "medium", timeStyle: "short" });

/** One value of a request as a table shows it. @param {any} value */
export function written(value) {
    if (value === true) return "on";
    if (value === false) return "off";
    if (value === "" || value === null || value === undefined || (Array.isArray(value) && !value.length)) return "—";
    if (Array.isArray(value)) return value.map((one) => one?.folder ?? one).join(", ");
    return typeof value === "number" ? plain(value) : String(value);
}

/** A value inside of a request by its path, such as "steps.batch". @param {any} values @param {string} path */
export const at = (values, path) => path.split(".").reduce((inner, name) => inner?.[name], values);

/** A request's values by path. @param {any} values @param {string} [before] @returns {[string, any][]} */
export function flat(values, before = "") {
    return Object.entries(values).flatMap(([name, value]) => (value && typeof value === "object" && !Array.isArray(value)
        ? flat(value, `${before}${name}.`) : [/** @type {[string, any]} */ ([`${before}${name}`, value])]));
}
