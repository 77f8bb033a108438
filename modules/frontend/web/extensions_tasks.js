// @ts-check
// What takes a while: watched until it is over, with the program's own lines.
import { element } from "./dom.js";
import { call } from "./server.js";

/**
 * @typedef {{id: string, title: string, state: "waiting" | "running" | "done" | "failed", lines: string[], result: any, error: string,
 *   hint: string}} Task
 */

const PAUSES = [120, 200, 300, 500];

/** How this tab asks the program. @type {typeof call} */
export const ask = (path, how) => call(path, how);

/**
 * Watch a task until it is over.
 * @param {string} id
 * @param {(task: Task) => void} look called whenever it was looked at
 * @returns {Promise<Task | undefined>} undefined if the program forgot it, or is gone
 */
export async function watched(id, look) {
    for (let turn = 0; ; turn++) {
        const task = /** @type {Task | undefined} */ (await ask(`webui/extensions/tasks/${id}`));
        if (!task) return undefined;
        look(task);
        if (task.state === "done" || task.state === "failed") return task;
        await new Promise((resolve) => setTimeout(resolve, PAUSES[Math.min(turn, PAUSES.length - 1)]));
    }
}

/** The strip that says what is being done, and how it ended. */
export class Status {
    constructor() {
        this.words = element("p", { class: "words" });
        this.bar = element("progress", { hidden: true, "aria-label": "Being done" });
        this.log = element("pre", { translate: "no" });
        this.more = element("details", { hidden: true }, element("summary", {}, "What was done"), this.log);
        this.buttons = element("div", { class: "toolbar" });
        this.close = element("button", { type: "button", class: "plain close", "aria-label": "Close this message",
            onclick: () => this.clear() }, "×");
        this.element = element("div", { class: "status notice", role: "status", hidden: true }, this.close, this.words, this.bar,
            this.more, this.buttons);
    }

    clear() {
        this.element.hidden = true;
    }

    /**
     * Say something, with buttons for what can be done about it.
     * @param {string} words
     * @param {{wrong?: boolean, buttons?: [string, () => unknown][], lines?: string[]}} [how]
     */
    say(words, { wrong = false, buttons = [], lines = [] } = {}) {
        this.element.hidden = false;
        this.element.classList.toggle("wrong-edge", wrong);
        this.words.textContent = words;
        this.bar.hidden = true;
        this.log.textContent = lines.join("\n");
        this.more.hidden = lines.length === 0;
        this.buttons.replaceChildren(...buttons.map(([word, act]) => element("button", { type: "button", onclick: () => {
            this.clear();
            act();
        } }, word)));
    }

    /**
     * Have a route begin a task, and show how it goes.
     * @param {string} words what is being done
     * @param {string} path
     * @param {unknown} [json] without it the route is asked by GET
     * @returns {Promise<any>} the task's result; undefined if it failed, which is said
     */
    async run(words, path, json) {
        this.say(words);
        this.bar.hidden = false;
        const begun = await ask(path, json === undefined ? {} : { json });
        if (!begun) {
            this.clear();
            return undefined;
        }
        const task = await watched(begun.task, (one) => {
            this.words.textContent = one.lines.at(-1) ? `${words} ${one.lines.at(-1)}` : words;
            if (one.lines.length > 1) {
                this.log.textContent = one.lines.join("\n");
                this.more.hidden = false;
            }
        });
        if (task?.state === "done") {
            this.say("Done.", { lines: task.lines.length > 1 ? task.lines : [] });
            return task.result ?? null;
        }
        if (task) this.say([task.error, task.hint].filter(Boolean).join(" "), { wrong: true, lines: task.lines });
        else this.clear();
        return undefined;
    }
}

/** Seconds in few letters. @param {number} seconds */
export function duration(seconds) {
    if (seconds < 0.001) return seconds > 0 ? "< 1 ms" : "0 ms";
    if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
    return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/** @param {number} when Unix time */
export const date = (when) => (when ? new Date(when * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "");

/** @param {number} bytes */
export const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
