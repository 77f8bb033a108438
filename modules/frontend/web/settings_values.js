// @ts-check
// The settings as the whole page knows them: asked for once, and told again when they are applied here or in another tab.
import { ask } from "./jobs.js";

/** Dispatches "change" with the keys that changed as its detail. */
export const changes = new EventTarget();
const channel = new BroadcastChannel("webui-settings");
/** @type {Promise<Record<string, any>> | undefined} */
let known;

/** All values by A1111's keys; empty if the program is not there. @returns {Promise<Record<string, any>>} */
export function settings() {
    known ??= ask("webui/settings/values").then((answer) => {
        if (answer?.ok) return answer.json();
        known = undefined;
        return {};
    });
    return known;
}

/** Values were applied on this page. @param {Record<string, any>} values all of them @param {string[]} keys what changed */
export function applied(values, keys) {
    learn(values, keys);
    channel.postMessage({ values, keys });
}

/** @param {Record<string, any>} values @param {string[]} keys */
function learn(values, keys) {
    known = Promise.resolve(values);
    changes.dispatchEvent(new CustomEvent("change", { detail: keys }));
    document.dispatchEvent(new CustomEvent("webui-settings-changed", { detail: keys })); // for what is not a module
}

channel.addEventListener("message", ({ data }) => learn(data.values, data.keys));
