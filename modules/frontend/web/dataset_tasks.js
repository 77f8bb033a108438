// @ts-check
// Work on a data set that takes a while: waited for, shown, stopped.
import { element } from "./dom.js";
import { ask } from "./jobs.js";
import { say } from "./notices.js";
import { call } from "./server.js";

const SOON = 150; // milliseconds until it is looked at first; then longer and longer
const LATE = 1000;

/**
 * Wait for a task's end. A failure is said on the page.
 * @param {string} id
 * @param {(state: {done: number, total: number, what: string}) => void} [told]
 * @returns {Promise<{result: any} | undefined>} undefined where it failed or was cancelled
 */
export async function finished(id, told) {
    for (let pause = SOON; ; pause = Math.min(LATE, pause * 1.3)) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        const state = await call(`webui/datasets/tasks/${id}`);
        if (!state) return undefined;
        told?.(state);
        if (state.state === "running") continue;
        if (state.state === "failed") say(state.error, state.hint);
        return state.state === "done" ? { result: state.result } : undefined;
    }
}

/** A line that shows a task and can stop it. */
export class TaskLine {
    constructor() {
        this.task = "";
        this.words = element("span", { class: "grow", role: "status" });
        this.bar = element("progress", { max: 1, value: 0, "aria-label": "Progress" });
        this.cancel = element("button", { type: "button", onclick: () => this.stop() }, "Cancel");
        this.element = element("div", { class: "dataset-task", hidden: true }, element("div", { class: "toolbar" }, this.words,
            this.cancel), this.bar);
    }

    /**
     * Start something that answers with a task, and wait for it.
     * @param {string} path @param {unknown} json
     * @returns {Promise<{result: any} | undefined>}
     */
    async run(path, json) {
        const begun = await call(path, { json });
        if (!begun) return undefined;
        this.task = begun.task;
        const late = window.setTimeout(() => { this.element.hidden = false; }, 400); // what is quick does not flicker
        this.bar.removeAttribute("value");
        const end = await finished(begun.task, ({ done, total, what }) => {
            this.words.textContent = total ? `${what} · ${done} of ${total}` : what;
            if (total) this.bar.value = done / total;
        });
        clearTimeout(late);
        this.element.hidden = true;
        return end;
    }

    stop() {
        ask(`webui/datasets/tasks/${this.task}`, { method: "DELETE" });
    }
}
