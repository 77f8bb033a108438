// @ts-check
// The Queue tab: a list of all jobs. Gradio makes a tab's content when it is first opened.
import { act, adopt, all, changes, mine, over } from "./jobs.js";
import { show } from "./results.js";

const RECENT = 50;
/** @type {Record<string, string>} */
const WORDS = { queued: "Waiting", running: "Running", done: "Done", interrupted: "Interrupted", cancelled: "Cancelled", failed: "Failed" };

class Queue extends HTMLElement {
    /** The lines that are shown, by job and state: one that stays the same is kept, or nobody could click on it. @type {Map<string, HTMLElement>} */
    lines = new Map();

    connectedCallback() {
        this.update = () => this.draw();
        this.replaceChildren(
            section("Waiting and running", "Nothing waits. Generate puts a job in here; while one runs, the next waits its turn."),
            section("Ended lately", "No job has ended yet."),
        );
        changes.addEventListener("change", this.update);
        this.draw();
    }

    disconnectedCallback() {
        changes.removeEventListener("change", /** @type {any} */ (this.update));
    }

    draw() {
        const [open, ended] = /** @type {any} */ (this.querySelectorAll("ul"));
        const jobs = all();
        this.fill(open, jobs.filter((job) => !over(job)));
        this.fill(ended, jobs.filter(over).reverse().slice(0, RECENT));
    }

    /** @param {HTMLElement} list @param {import("./jobs.js").Job[]} jobs */
    fill(list, jobs) {
        const wanted = jobs.map((job) => this.line(job));
        for (const old of [...list.children]) if (!wanted.includes(/** @type {HTMLElement} */ (old))) old.remove();
        wanted.forEach((line, place) => {
            if (list.children[place] !== line) list.insertBefore(line, list.children[place] ?? null);
        });
    }

    /** @param {import("./jobs.js").Job} job @returns {HTMLElement} */
    line(job) {
        const key = `${job.id} ${job.state}`;
        const line = this.lines.get(key) ?? newLine(job);
        this.lines.set(key, line);
        const words = [stateOf(job), mine(job) ? "this tab" : "", job.error ?? ""].filter(Boolean).join(" · ");
        const small = /** @type {HTMLElement} */ (line.querySelector("small"));
        if (small.textContent !== words) small.textContent = words;
        return line;
    }
}

/** @param {string} title @param {string} empty what is said while the list is empty */
function section(title, empty) {
    const part = element("section");
    part.append(element("h2", title), element("ul"), element("p", empty, "empty"));
    return part;
}

/** @param {import("./jobs.js").Job} job */
function newLine(job) {
    const line = element("li", "", job.state);
    const words = element("div", "", "words");
    words.append(element("strong", job.title || "(no prompt)"), element("small"));
    const buttons = element("div", "", "buttons");
    if (job.state === "running") buttons.append(button(job, "Interrupt", "interrupt"), button(job, "Cancel", "cancel"));
    if (job.state === "queued") buttons.append(button(job, "Cancel", "cancel"));
    if (job.state === "done" || job.state === "interrupted") buttons.append(shower(job));
    if (over(job)) buttons.append(button(job, "Remove", "remove"));
    line.append(words, buttons);
    return line;
}

/** @param {import("./jobs.js").Job} job */
function stateOf(job) {
    const word = WORDS[job.state] ?? job.state;
    if (job.state === "running" && job.total) return `${word}, ${Math.round(100 * (job.done ?? 0) / job.total)} %`;
    return job.ended ? `${word} ${new Date(job.ended * 1000).toLocaleTimeString()}` : word;
}

/** @param {import("./jobs.js").Job} job @param {string} word @param {"interrupt" | "cancel" | "remove"} action */
function button(job, word, action) {
    const made = control(job, word);
    made.onclick = () => act(job.id, action);
    return made;
}

/** @param {import("./jobs.js").Job} job */
function shower(job) {
    const made = control(job, "Show");
    made.onclick = () => {
        adopt(job.id);
        show(job.id);
        document.getElementById("tab_txt2img-button")?.click();
    };
    return made;
}

/** @param {import("./jobs.js").Job} job @param {string} word */
function control(job, word) {
    const made = /** @type {HTMLButtonElement} */ (element("button", word));
    made.type = "button";
    made.setAttribute("aria-label", `${word}: ${job.title}`);
    return made;
}

/** @param {string} name @param {string} [text] @param {string} [classes] */
function element(name, text = "", classes = "") {
    const made = document.createElement(name);
    made.textContent = text;
    made.className = classes;
    return made;
}

customElements.define("webui-queue", Queue);
