// @ts-check
// <webui-job-line>: how far one job is. The tabs that are not about making pictures show their own job with it.
import { element } from "./dom.js";
import { act, all, changes, over } from "./jobs.js";
import { style } from "./parts.js";
import { clock } from "./progress.js";

/** Shows the job named by `watch()`; it keeps its height when there is none, so that nothing moves. */
class JobLine extends HTMLElement {
    job = "";

    connectedCallback() {
        if (!this.childElementCount) {
            this.what = element("span", { class: "what" }, "Ready");
            this.left = element("span", { class: "left" });
            const range = { role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 };
            this.bar = element("div", { class: "bar", ...range }, element("div"));
            this.status = element("span", { class: "for-screen-readers", role: "status" });
            this.append(this.status, element("div", { class: "words" }, this.what, this.left), this.bar);
        }
        this.update = () => this.show();
        changes.addEventListener("change", this.update);
        this.show();
    }

    disconnectedCallback() {
        changes.removeEventListener("change", /** @type {any} */ (this.update));
    }

    /** @param {string} id @param {string} [words] said until the job begins */
    watch(id, words = "") {
        this.job = id;
        this.words = words;
        this.show();
    }

    /** @returns {import("./jobs.js").Job | undefined} */
    get current() {
        return all().find((job) => job.id === this.job);
    }

    /** End the job, keeping what it has, or nothing. @param {"interrupt" | "skip" | "cancel"} how */
    stop(how) {
        const job = this.current;
        if (job && !over(job)) act(job.id, how);
    }

    show() {
        const job = this.current;
        const running = job?.state === "running";
        const part = running && job.total ? Math.min(1, (job.done ?? 0) / job.total) : 0;
        const before = job?.position ?? 0;
        this.what.textContent = !job || over(job) ? this.words || "Ready"
            : !running ? (before ? `Waiting, ${before} ${before === 1 ? "job" : "jobs"} before this one` : "Waiting")
            : job.text || (job.done ? `Step ${job.done} of ${job.total}` : "Starting");
        this.left.textContent = [
            part ? `${Math.round(part * 100)} %` : "",
            running && job.seconds_left != null ? `${clock(job.seconds_left)} left` : "",
        ].filter(Boolean).join(" · ");
        const said = !job || over(job) ? this.words || "Ready" : running ? "Working" : "Waiting";
        if (this.status.textContent !== said) this.status.textContent = said;
        this.bar.setAttribute("aria-valuenow", String(Math.round(part * 100)));
        this.bar.firstElementChild.style.transform = `scaleX(${part})`;
    }
}

style("job_line");
customElements.define("webui-job-line", JobLine);
