// @ts-check
// <webui-merger>: what the merge will give, its job, and the new checkpoint. The form beside it is Gradio's.
import { element } from "./dom.js";
import "./job_line.js";
import { JobFollower } from "./job_follower.js";
import { over } from "./jobs.js";

const KIND = "merge";

/** @param {number} bytes */
const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);

const WAITING = "Choose the models: what will come of them is told here, before the start.";

class Merger extends JobFollower {
    kind = KIND;
    name = "";

    build() {
        this.classList.add("webui");
        this.formula = element("p", { class: "merger-formula", id: "modelmerger_interp_description", translate: false });
        this.outlook = element("div", { class: "merger-outlook", "aria-live": "polite" });
        this.line = element("webui-job-line");
        this.cancel = element("button", { type: "button", hidden: true, onclick: () => this.line.stop("cancel") }, "Cancel");
        this.result = element("div", { id: "modelmerger_result", "aria-live": "polite" });
        this.append(element("div", { class: "panel merger-panel" }, this.formula, this.outlook),
            element("div", { class: "merger-job" }, this.line, this.cancel), this.result);
        this.foresee({ formula: "A · (1 - M) + B · M", waiting: true });
    }

    /** Show what would come of the merge. @param {any} seen the outlook's values */
    foresee(seen) {
        this.formula.textContent = seen.multiplier === undefined ? seen.formula : `${seen.formula}, M = ${seen.multiplier}`;
        if (seen.waiting) {
            this.outlook.replaceChildren(element("p", { class: "quiet" }, WAITING));
            return;
        }
        const rows = (seen.families ?? []).map((/** @type {any} */ one) =>
            row(one.letter, `${one.title}${one.family ? ` · ${one.family}` : " · no checkpoint that can be used"}`, !one.family));
        if (seen.name) rows.push(row("New file", seen.name));
        if (seen.size) rows.push(row("Takes", size(seen.size)), row("Free", size(seen.free), seen.free < seen.needed));
        const problem = seen.problem ? told(seen.problem, seen.hint) : undefined;
        const fits = !seen.problem && seen.families?.length > 1 ? element("p", { class: "quiet" }, "The models fit together.") : undefined;
        this.outlook.replaceChildren(...[element("dl", {}, ...rows), problem, fits].filter(Boolean));
    }

    /** @param {string} id */
    follow(id) {
        this.job = id;
        this.name = "";
        this.result.replaceChildren();
        this.line.watch(id);
        const job = this.line.current;
        if (job && over(job)) this.show(job);
        this.buttons();
    }

    buttons() {
        const job = this.line?.current;
        if (this.cancel) this.cancel.hidden = !job || over(job);
    }

    /** @param {any} job that has ended */
    show(job) {
        this.name = job.summary?.name ?? "";
        if (this.name) {
            document.getElementById("refresh_sd_model_checkpoint")?.click(); // the new checkpoint stands in the lists at once
            document.getElementById("refresh_checkpoint_A")?.click();
            const use = element("button", { type: "button", class: "primary", onclick: () => this.use(use) }, "Use it now");
            const name = element("strong", { translate: false }, this.name);
            this.result.replaceChildren(element("p", {}, "The new checkpoint is"), element("p", {}, name), use);
        } else {
            const stopped = element("p", { class: "quiet" }, "The merge was stopped; nothing was written.");
            this.result.replaceChildren(job.state === "failed" ? told(job.error, job.hint) : stopped);
        }
        this.buttons();
    }

    /** Load the new checkpoint. @param {HTMLButtonElement} button */
    use(button) {
        button.disabled = true;
        button.textContent = "Loading";
        document.getElementById("modelmerger_use")?.click();
        setTimeout(() => button.isConnected && button.textContent === "Loading" && this.ready(button, "Use it now"), 60_000);
    }

    /** @param {HTMLButtonElement} button @param {string} words */
    ready(button, words) {
        button.disabled = false;
        button.textContent = words;
    }

    /** It is loaded. */
    used() {
        document.getElementById("refresh_sd_model_checkpoint")?.click();
        const button = this.result.querySelector("button");
        if (button) {
            button.disabled = true;
            button.textContent = "It is in use";
        }
    }
}

/** @param {string} title @param {string} value @param {boolean} [wrong] */
const row = (title, value, wrong = false) =>
    element("div", {}, element("dt", {}, title), element("dd", { translate: false, class: wrong ? "wrong" : undefined }, value));

/** What is wrong, and what to do. @param {string} problem @param {string} [hint] */
const told = (problem, hint) =>
    element("div", { class: "merger-problem" }, element("p", { class: "wrong" }, problem), hint && element("p", { class: "quiet" }, hint));

/** @returns {Merger | null} */
const merger = () => document.querySelector("webui-merger");

/** @type {any} */ (window).webui.merger = {
    follow: (/** @type {string} */ job) => {
        if (job) merger()?.follow(job);
        return [];
    },
    foresee: (/** @type {string} */ text) => {
        if (text) merger()?.foresee(JSON.parse(text));
        return [];
    },
    made: () => merger()?.name ?? "",
    used: (/** @type {string} */ name) => {
        if (name) merger()?.used();
        return [];
    },
};

customElements.define("webui-merger", Merger);
