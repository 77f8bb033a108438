// @ts-check
// The sets of pictures that the program knows, and new ones made of what is dropped here.
import { finished } from "./dataset_tasks.js";
import { ask } from "./jobs.js";
import { call } from "./server.js";

/** @returns {Promise<{folder: string, name: string}[]>} folders that were uploaded or used before */
export async function known() {
    const answer = await ask("webui/datasets");
    const list = answer?.ok ? await answer.json().catch(() => null) : null;
    return (list?.datasets ?? []).map((/** @type {any} */ one) => ({ folder: one.folder, name: one.name }));
}

/**
 * Send files into a set of the program's.
 * @param {string} name @param {File[]} files @param {(done: number) => void} told
 * @returns {Promise<{folder: string} | undefined>}
 */
export async function upload(name, files, told) {
    const made = await call("webui/datasets", { json: { name: name || "pictures" } });
    if (!made) return undefined;
    for (const [place, file] of files.entries()) {
        if (!(await call(`webui/datasets/${encodeURIComponent(made.id)}/files?name=${encodeURIComponent(file.name)}`,
            { body: file }))) return undefined;
        told(place + 1);
    }
    return { folder: made.folder };
}

/**
 * Mend what a check found; settles when it is done.
 * @param {any} request @param {string} action @param {string[]} files as the finding names them
 */
export async function repair(request, action, files) {
    const begun = await call("webui/datasets/repair", { json: { request, action, files } });
    for (const task of begun?.tasks ?? []) await finished(task);
}
