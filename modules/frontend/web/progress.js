// @ts-check
// How far the current job is: the line above the gallery, the preview over it, the buttons, the page's title.
import { all, changes, connected, current, mine, over } from "./jobs.js";
import { coming } from "./results.js";

const TITLE = document.title || "Easel";

/** @param {number | null | undefined} seconds @returns {string} such as "0:09" or "1:02:03" */
export function clock(seconds) {
    if (seconds === null || seconds === undefined) return "";
    const whole = Math.max(0, Math.round(seconds));
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    if (!parts[0]) parts.shift();
    return parts.map((part, place) => (place ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** @param {import("./jobs.js").Job} job @returns {number} 0 to 1 */
const share = (job) => (job.total ? Math.min(1, (job.done ?? 0) / job.total) : 0);

/** @param {import("./jobs.js").Job} job */
function waiting(job) {
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
    }

    disconnectedCallback() {
        changes.removeEventListener("change", /** @type {any} */ (this.update));
    }

    show() {
        const job = current();
        const [what, left, bar] = /** @type {any} */ (this.querySelectorAll(".what, .left, .bar"));
        const running = job?.state === "running";
        const part = job && running ? share(job) : 0;
        const more = all().filter((each) => mine(each) && !over(each)).length - 1;
        what.textContent = !connected ? "No connection to the program; trying again"
            : !job ? "Ready"
            : !running ? waiting(job)
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
        const job = current();
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
        if (decoded && current()?.id === job.id && this.shown === wanted) this.replaceChildren(picture);
        if (current()?.preview !== job.preview) this.show(); // a newer one came while this one was fetched
    }
}

/** The buttons and the title follow the current job. */
function reflect() {
    const job = current();
    const running = job?.state === "running";
    document.body.dataset.job = job ? job.state : "none";
    const waiting = all().filter((each) => !over(each)).length;
    document.body.style.setProperty("--jobs-open", waiting ? `" (${waiting})"` : '""');
    const buttons = { txt2img_interrupt: Boolean(job), txt2img_skip: Boolean(running) };
    for (const [id, usable] of Object.entries(buttons)) {
        const button = /** @type {HTMLButtonElement | null} */ (document.getElementById(id));
        if (button) button.disabled = !usable;
    }
    const left = clock(job?.seconds_left);
    document.title = running && job?.done ? `[${Math.round(share(job) * 100)}%${left ? ` ${left}` : ""}] ${TITLE}` : TITLE;
}

export function startTitle() {
    changes.addEventListener("change", reflect);
    reflect();
}

customElements.define("webui-progress", Progress);
customElements.define("webui-preview", Preview);
