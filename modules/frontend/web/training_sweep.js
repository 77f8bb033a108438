// @ts-check
// The same picture at several strengths of what was trained, made by txt2img like any other picture.
import { element, tool } from "./dom.js";
import { act, ask, changes, find, over } from "./jobs.js";
import { call } from "./server.js";

const STRENGTHS = [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2];
const OWNER = "training"; // no page's: the form of txt2img does not show them

/** @typedef {{name: string, prompt: string}} Published */

export class Sweep {
    /** @param {import("./training_data.js").Opened} run @param {number} step @param {Published} published @param {() => void} close */
    constructor(run, step, published, close) {
        this.run = run;
        this.published = published;
        const first = run.samples.find(({ step: of, text }) => of === step && text) ?? run.samples.find(({ text }) => text);
        this.text = element("input", { type: "text", class: "grow", "aria-label": "Prompt", translate: "no", spellcheck: false,
            value: bare(first?.text ?? run.trigger ?? run.name) });
        this.seed = element("input", { type: "number", min: 0, value: run.request.samples.seed, "aria-label": "Seed" });
        this.go = element("button", { type: "button", class: "primary", onclick: () => this.make() }, "Make the pictures");
        this.row = element("div", { class: "training-strengths" });
        this.said = element("p", { class: "quiet", role: "status" });
        this.update = () => this.look();
        this.element = element("div", { class: "training-sweep panel" },
            element("div", { class: "toolbar" }, element("h3", { class: "grow" }, `Strengths of step ${step}`),
                tool("training-close", "Close", () => {
                changes.removeEventListener("change", this.update);
                close();
            })),
            element("form", { class: "toolbar", onsubmit: (/** @type {Event} */ event) => event.preventDefault() }, this.text,
                element("label", { class: "toolbar" }, element("span", {}, "Seed"), this.seed), this.go),
            this.said, this.row);
        /** @type {{strength: number, job: string, place: HTMLElement, made?: boolean}[]} */
        this.pictures = [];
    }

    /** What calls it, at a strength. @param {number} strength */
    calls(strength) {
        if (this.run.makes === "lora") return `${this.text.value} <lora:${this.published.name}:${strength}>`;
        if (!strength) return this.text.value.replaceAll(this.published.name, "").replaceAll(this.run.name, "");
        const text = this.text.value.replaceAll(this.run.name, this.published.name);
        const word = strength === 1 ? this.published.name : `(${this.published.name}:${strength})`;
        return text.includes(this.published.name) ? text.replaceAll(this.published.name, word) : `${text} ${word}`;
    }

    async make() {
        this.go.disabled = true;
        const { samples, data, checkpoint } = this.run.request;
        const side = data.resolution || 512;
        this.pictures = [];
        this.row.replaceChildren();
        for (const strength of STRENGTHS) {
            const request = {
                prompt: this.calls(strength), negative_prompt: samples.negative, steps: samples.steps, sampler: samples.sampler,
                guidance: samples.guidance, seed: Number(this.seed.value) || 0, size: [samples.width || side, samples.height || side],
                checkpoint: checkpoint || null, save_grid: false,
            };
            const job = await call("webui/jobs", { json: { request, owner: OWNER } });
            if (!job) break;
            const place = element("div", { class: "training-strength-picture" });
            this.pictures.push({ strength, job: job.id, place });
            this.row.append(element("figure", {}, place, element("figcaption", {}, String(strength))));
        }
        changes.addEventListener("change", this.update);
        this.look();
    }

    /** Show those that are ready. */
    async look() {
        for (const one of this.pictures) {
            const job = find(one.job);
            if (one.made || !job || !over(job)) continue;
            one.made = true;
            const answer = await ask(`webui/jobs/${encodeURIComponent(one.job)}`);
            const whole = answer?.ok ? await answer.json() : job;
            const path = whole.summary?.paths?.[0];
            one.place.replaceChildren(path
                ? element("img", { alt: `Strength ${one.strength}`, src: `webui/picture?path=${encodeURIComponent(path)}` })
                : element("p", { class: "wrong" }, whole.error ?? "No picture came out."));
        }
        const ready = this.pictures.filter(({ made }) => made).length;
        this.said.textContent = ready < this.pictures.length ? `${ready} of ${this.pictures.length} pictures` : "";
        if (ready < this.pictures.length) return;
        this.go.disabled = false;
        changes.removeEventListener("change", this.update);
    }
}

/** A sample's prompt without what calls the network. @param {string} text */
const bare = (text) => text.replace(/\s*<lora:[^>]*>/g, "").trim();
