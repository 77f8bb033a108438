// @ts-check
// What the Train tab asks of the program: all its routes in one place.
import { ask } from "./jobs.js";
import { call } from "./server.js";

/** @typedef {import("./options_controls.js").Field} Field */
/** @typedef {{name: string, title: string, help: string, fields: Field[]}} Group */
/**
 * What a training may be asked, and what there is to choose from. `here`: the page stands on the program's machine, so that folders may be
 * named; `may`: trainings may be begun and stopped from here.
 * @typedef {{fields: Field[], groups: Group[], defaults: any, lists: Record<string, string[]>, here: boolean, may: boolean, chosen:
 * string}} Form
 */
/**
 * @typedef {object} Status the newest state of a training; times are seconds since 1970
 * @property {string} state
 * @property {string} phase
 * @property {string} text
 * @property {number} done of what the phase does
 * @property {number} total
 * @property {number} step
 * @property {number} steps
 * @property {number} epoch
 * @property {number | null} loss
 * @property {number | null} rate
 * @property {number | null} images_per_second
 * @property {number | null} share 0..1
 * @property {number | null} memory bytes
 * @property {number | null} seconds_left
 * @property {number | null} best_step
 * @property {boolean} data_changed it ended because its pictures are not what they were
 * @property {string} short_of_memory it ended for want of memory: yes, perhaps, or empty
 * @property {string} error
 * @property {string} hint
 * @property {string} published
 * @property {number} queued_at
 * @property {number | null} started
 * @property {number | null} ended
 */
/**
 * A training as the list has it. `position`: among those that wait, from 1; `can`: what it may be asked now.
 * @typedef {{id: string, name: string, method: string, goal: string, makes: "lora" | "embedding" | "checkpoint", checkpoint: string,
 *   trigger: string, created: number, status: Status, position: number | null, has_samples: boolean, cover: string | null, can: string[]}}
 *   Run
 */
/** @typedef {{step: number, name: string, size: number, best: boolean, published: string}} RunFile */
/** @typedef {{step: number, prompt: number, text: string, file: string, seed: number, infotext: string, copy:
 *   import("./training_copies.js").Copy | null}} Sample `copy`: the picture that it is nearly */
/**
 * @typedef {Run & {request: any, reasons: Record<string, string>, files: RunFile[], samples: Sample[], commands: string[], folder: string |
 *   null}} Opened
 */
/**
 * @typedef {{level: "red" | "amber" | "green", text: string, hint?: string, files?: string[], repairs?: {action: string, label: string}[]}}
 *   Finding
 */
/** @typedef {{level: string, findings: Finding[], facts?: any, buckets?: any[]}} Checked */
/** @typedef {{name: string, text: string, bundled: boolean, values: any}} Preset */

const ROOT = "webui/training";
const SMALL = 256; // pixels, the longer side of a small copy
/** @param {string} id */
const of = (id) => `${ROOT}/runs/${encodeURIComponent(id)}`;

/** @returns {Promise<Form | undefined>} */
export const form = () => call(`${ROOT}/form`);

/**
 * What a route says of a request, or why it refuses it: said beside the form, not as a notice.
 * @param {"advise" | "check"} what @param {any} request @param {AbortSignal} signal
 * @returns {Promise<{value?: any, problem?: string, hint?: string}>} nothing where it was given up
 */
export async function judged(what, request, signal) {
    const how = { method: "POST", body: JSON.stringify({ request }), headers: { "Content-Type": "application/json" }, signal };
    const answer = await ask(`${ROOT}/${what}`, how);
    if (signal.aborted) return {};
    const value = await answer?.json().catch(() => null);
    if (signal.aborted) return {};
    if (answer?.ok) return { value };
    return { problem: value?.detail ?? value?.error ?? "The program does not answer.", hint: value?.hint ?? "" };
}

/** Measure two steps. @param {any} request @returns {Promise<{id: string} | undefined>} */
export const measure = (request) => call(`${ROOT}/fit`, { json: { request } });
/** @param {string} id @returns {Promise<{state: string, text: string, error: string, hint: string, result: any, rungs:
 * import("./training_ladder.js").Rung[]} | undefined>} */
export const measured = (id) => call(`${ROOT}/fit/${encodeURIComponent(id)}`);
/** @param {string} id */
export const stopMeasuring = (id) => call(`${ROOT}/fit/${encodeURIComponent(id)}`, { method: "DELETE" });
/** @param {any} request @returns {Promise<{id: string} | undefined>} */
export const start = (request) => call(`${ROOT}/runs`, { json: { request } });

/**
 * @param {string} since a version
 * @returns {Promise<{runs: Run[], version: string, aside: string | null, unchanged?: boolean} | undefined>}
 */
export const runs = (since) => quietly(`${ROOT}/runs?since=${encodeURIComponent(since)}`);
/** @param {string} id @returns {Promise<Opened | undefined>} */
export const opened = (id) => call(of(id));
/** @param {string} id @param {string} what pause, resume, stop, sample or save @param {any} [json] @returns {Promise<Run | undefined>} */
export const act = (id, what, json = {}) => call(`${of(id)}/${what}`, { json });
/**
 * What a training that failed for want of memory may change. @param {string} id
 * @returns {Promise<{short: string, step: number | null, rungs: import("./training_ladder.js").Rung[], tried: any[]} | undefined>}
 */
export const ladder = (id) => call(`${of(id)}/ladder`);
/**
 * Have it go on with one of them; `request`: that of another training, where this one cannot. @param {string} id @param {string} rung
 * @returns {Promise<{request: any, line: Run} | undefined>}
 */
export const climb = (id, rung) => call(`${of(id)}/ladder`, { json: { rung } });
/** @param {string} id */
export const remove = (id) => call(of(id), { method: "DELETE" });
/** @param {string} id @param {string | null} before */
export const move = (id, before) => call(`${of(id)}/move`, { json: { before } });
/**
 * Put what was trained at a step where prompts find it.
 * @param {string} id @param {number} step @param {string} [name] @returns {Promise<{name: string, kind: string, prompt: string, checkpoint:
 * string} | undefined>}
 */
export const publish = (id, step, name) => call(`${of(id)}/publish`, { json: { step, name } });

/**
 * The events behind a byte, and the state; undefined, without a notice, while the program is out of reach.
 * @param {string} id @param {number} after @returns {Promise<{events: any[], next: number, anew?: boolean, line: Run} | undefined>}
 */
export const events = (id, after) => quietly(`${of(id)}/events?after=${after}`);
/** @param {string} id @param {number} after @returns {Promise<{text: string, next: number} | undefined>} */
export const log = (id, after) => quietly(`${of(id)}/log?after=${after}`);
/** The address of a sample's picture. @param {string} id @param {string} file @param {boolean} [small] */
export const sample = (id, file, small = false) => `${of(id)}/samples/${encodeURIComponent(file)}${small ? `?small=${SMALL}` : ""}`;
/** The address of the picture that a sample is nearly. @param {string} id @param {string} file of the sample */
export const original = (id, file) => `${of(id)}/copies/${encodeURIComponent(file)}`;
/** The address of what was trained, as it was at a step. @param {string} id @param {number} step */
export const file = (id, step) => `${of(id)}/files/${step}`;

/** What a file of a step is called, as samples name it. @param {string} name of the training @param {number} step */
export const stemOf = (name, step) => `${name}-${String(step).padStart(6, "0")}`;

/** @returns {Promise<Preset[] | undefined>} */
export const presets = () => call(`${ROOT}/presets`);
/** @param {string} name @param {any} values @param {string} [text] @returns {Promise<Preset[] | undefined>} */
export const keepPreset = (name, values, text = "") => call(`${ROOT}/presets`, { json: { name, text, values } });
/** @param {string} name @returns {Promise<Preset[] | undefined>} */
export const dropPreset = (name) => call(`${ROOT}/presets?name=${encodeURIComponent(name)}`, { method: "DELETE" });
/** The address of a preset as a file. @param {string} name */
export const presetFile = (name) => `${ROOT}/presets/${encodeURIComponent(name)}`;
/** @param {string} lora its name @returns {Promise<{request: any, notes: string[]} | undefined>} */
export const fromLora = (lora) => call(`${ROOT}/from-file`, { json: { lora } });

/** What a route answers, again and again: a failure is not worth a notice each time. @param {string} path */
async function quietly(path) {
    const answer = await ask(path);
    return answer?.ok ? answer.json().catch(() => undefined) : undefined;
}
