// @ts-check
// How far the current job is: the line above each gallery, the preview over it, the buttons, the page's title.
import { changes, connected, current, formOf, mine, open, paused } from "./jobs.js";
import { heeded } from "./live_settings.js";
import { setting } from "./page_settings.js";
import { coming } from "./results.js";

const TITLE = document.title || "Easel";
/** What a person calls the page. */
const named = () => setting("page_title", "").trim() || TITLE;
const FORMS = ["txt2img", "img2img"];

/** @param {number | null | undefined} seconds @returns {string} such as "0:09" or "1:02:03" */
export function clock(seconds) {
    if (seconds === null || seconds === undefined) return "";
    const whole = Math.max(0, Math.round(seconds));
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    if (!parts[0]) parts.shift();
    return parts.map((part, place) => (place ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** The form that an element stands in. @param {Element} element @returns {string} */
export const formAround = (element) => /^img2img_/.test(element.closest("[id^='txt2img_'], [id^='img2img_']")?.id ?? "") ? "img2img"
    : "txt2img";

/** @param {import("./jobs.js").Job} job @returns {number} 0 to 1 */
export const share = (job) => (job.total ? Math.min(1, (job.done ?? 0) / job.total) : 0);

/** @param {import("./jobs.js").Job} job */
function waiting(job) {
    if (job.held) return "Held back until its changes are saved";
    if (paused) return "Waiting; the queue is paused";
    return job.position ? `Waiting, ${job.position} ${job.position === 1 ? "job" : "jobs"} before this one` : "Waiting";
}

/** The line above the gallery. It is always there, so that nothing moves when work begins. */
class Progress extends HTMLElement {
    connectedCallback() {
        this.innerHTML = `<span class="for-screen-readers" role="status"></span><div class="words"><span class="what"></span><span class="left"></span></div>
            <div class="bar" role="progressbar" aria-label="Progress" aria-valuemin="0" aria-valuemax="100"><div></div></div>`;
        this.update = () => this.show();
        changes.addEventListener("change", this.update);
        this.show();
        requestAnimationFrame(reflect); // the buttons beside it are built with it
    }

    disconnectedCallback() {
        changes.removeEventListener("change", /** @type {any} */ (this.update));
    }

    show() {
        const form = formAround(this);
        const job = current(form);
        const [what, left, bar] = /** @type {any} */ (this.querySelectorAll(".what, .left, .bar"));
        const running = job?.state === "running";
        const part = job && running ? share(job) : 0;
        const more = open().filter((each) => mine(each) && formOf(each) === form).length - 1;
        what.textContent = !connected ? "No connection to the program; trying again"
            : !job ? "Ready"
            : !running ? waiting(job)
            : job.finishing ? "Interrupting after this picture"
            : job.text || (job.done ? `Step ${job.done} of ${job.total}` : "Starting");
        left.textContent = [
            more > 0 ? `${more} more waiting` : "",
            running && job?.done ? `${Math.round(part * 100)} %` : "",
            running && job?.seconds_left != null ? `${clock(job.seconds_left)} left` : "",
        ].filter(Boolean).join(" · ");
        const status = /** @type {HTMLElement} */ (this.querySelector("[role=status]"));
        const said = job ? (running ? "Generating" : "Waiting") : "Ready"; // once for each state: a screen reader reads every change
        if (status.textContent !== said) status.textContent = said;
        bar.setAttribute("aria-valuenow", String(Math.round(part * 100)));
        bar.firstElementChild.style.transform = `scaleX(${part})`;
        this.classList.toggle("offline", !connected);
    }
}

/** The picture as it comes to be, over the gallery. */
class Preview extends HTMLElement {
    /** The address of the picture that is shown, or on its way. */
    shown = "";
    busy = false;

    connectedCallback() {
        this.update = () => this.show();
        changes.addEventListener("change", this.update);
        this.show();
    }

    disconnectedCallback() {
        changes.removeEventListener("change", /** @type {any} */ (this.update));
    }

    async show() {
        const form = formAround(this);
        const job = current(form);
        if (!job || job.state !== "running" || !job.preview) {
            this.shown = "";
            if (this.firstChild && !coming) this.replaceChildren();
            return;
        }
        const wanted = `webui/preview/${encodeURIComponent(job.id)}?n=${job.preview}`;
        if (this.shown === wanted || this.busy) return;
        this.shown = wanted;
        this.busy = true;
        const picture = new Image();
        picture.alt = "Preview of the picture being made";
        picture.src = wanted;
        const decoded = await picture.decode().then(() => true, () => false);
        this.busy = false;
        if (decoded && current(form)?.id === job.id && this.shown === wanted) this.replaceChildren(picture);
        if (current(form)?.preview !== job.preview) this.show(); // a newer one came while this one was fetched
    }
}

/** The buttons and the title follow the current jobs. */
export function reflect() {
    const job = current();
    const running = job?.state === "running";
    document.body.dataset.job = job ? job.state : "none";
    const waiting = open().length;
    document.body.style.setProperty("--jobs-open", waiting ? `" (${waiting})"` : '""');
    document.getElementById("tab_queue-button")?.setAttribute("aria-label", waiting ? `Queue, ${waiting} jobs` : "Queue");
    for (const form of FORMS) reflectForm(form);
    const left = clock(job?.seconds_left);
    const shown = running && job?.done && setting("show_progress_in_title", true);
    const title = shown ? `[${Math.round(share(job) * 100)}%${left ? ` ${left}` : ""}] ${named()}` : named();
    if (document.title !== title) document.title = title;
}

/** @param {string} form */
function reflectForm(form) {
    const job = current(form);
    const button = (/** @type {string} */ name) => /** @type {HTMLButtonElement | null} */ (document.getElementById(`${form}_${name}`));
    const [interrupt, skip] = [button("interrupt"), button("skip")];
    if (skip) skip.disabled = job?.state !== "running";
    if (!interrupt) return;
    interrupt.disabled = !job;
    rename(interrupt, job?.finishing ? "Interrupting..." : "Interrupt");
}

/** Change a button's words and leave its nodes, which Gradio holds. @param {HTMLElement} button @param {string} words */
function rename(button, words) {
    if (button.dataset.words === words || (!button.dataset.words && words === button.textContent?.trim())) return;
    const texts = document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
        if (!node.nodeValue?.trim()) continue;
        node.nodeValue = words;
        button.dataset.words = words;
        return;
    }
}

export function startTitle() {
    changes.addEventListener("change", reflect);
    heeded.addEventListener("change", reflect);
    reflect();
}

customElements.define("webui-progress", Progress);
customElements.define("webui-preview", Preview);
