// @ts-check
// Asking the program: JSON there and back, and its sentences when it says no.
import { ask } from "./jobs.js";
import { say } from "./notices.js";

/**
 * What one of the program's routes answers. A refusal is said on the page, with the program's own words.
 * @param {string} path beside the page's own address, such as "webui/history"
 * @param {{method?: string, json?: unknown, body?: BodyInit, signal?: AbortSignal}} [how] `json` or `body` makes it a POST
 * @returns {Promise<any>} undefined if the program refused, or is not there
 */
export async function call(path, { method, json, body, signal } = {}) {
    const sent = json === undefined ? body : JSON.stringify(json);
    const type = json === undefined ? "application/octet-stream" : "application/json";
    const headers = sent === undefined ? {} : { "Content-Type": type };
    const answer = await ask(path, { method: method ?? (sent === undefined ? "GET" : "POST"), body: sent, headers, signal });
    if (signal?.aborted) return undefined;
    if (!answer) {
        say("The program does not answer.", "Is it still running?");
        return undefined;
    }
    const value = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (answer.ok) return value;
    say(value?.detail ?? value?.error ?? `The program answered ${answer.status}.`, value?.hint ?? "");
    return undefined;
}
