// @ts-check
// The base of the parts that start a job of one kind and show its end.
import { all, changes, mine } from "./jobs.js";

export class JobFollower extends HTMLElement {
    /** The kind of job. */
    kind = "";
    /** The job that is followed. */
    job = "";

    connectedCallback() {
        if (!this.childElementCount) this.build();
        this.ended = (/** @type {any} */ event) => event.detail.id === this.job && this.show(event.detail);
        this.update = () => this.buttons();
        changes.addEventListener("ended", this.ended);
        changes.addEventListener("change", this.update);
        const last = all().filter((job) => /** @type {any} */ (job).kind === this.kind && mine(job)).pop();
        if (last && !this.job) this.follow(last.id);
        else this.buttons();
    }

    disconnectedCallback() {
        changes.removeEventListener("ended", /** @type {any} */ (this.ended));
        changes.removeEventListener("change", /** @type {any} */ (this.update));
    }

    /** Make what is in the part. */
    build() {}

    /** Show which buttons can be pressed now. */
    buttons() {}

    /** Follow a job from now on. @param {string} id */
    follow(id) {
        this.job = id;
    }

    /** Show the end of the job. @param {any} job */
    show(job) {}
}
