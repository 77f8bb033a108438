// @ts-check
// The panel of the dynamic prompts: options, examples of what the prompt can become, and the template of a pasted picture.
import { OptionsForm, PromptPanel, call, define, element, promptBox, setPrompt, settings } from "easel/extension.js";

const PASTE = "dynamic_prompts_paste"; // the setting
/** @typedef {{template: boolean, examples: string[], combinations: number, more: boolean, missing: string[]}} Examples */

class Panel extends PromptPanel {
    filled() {
        void this.offer();
    }

    /** @returns {"txt2img" | "img2img"} */
    get form_tab() {
        return /** @type {any} */ (this).tab ?? "txt2img";
    }

    /** @param {any} values */
    build(values) {
        const { schema = [], lists = {} } = /** @type {any} */ (this);
        this.form = new OptionsForm(schema, { lists, values, id: (field) => `dynamic_prompts_${this.form_tab}_${field.name}` });
        this.form.onchange = () => this.dispatchEvent(new Event("change", { bubbles: true }));
        this.offered = element("div", { class: "offered", hidden: true });
        this.count = element("p", { class: "quiet", "aria-live": "polite" });
        this.list = element("ol", { class: "examples", translate: false });
        this.again = element("button", { type: "button", onclick: () => this.draw() }, "Other examples");
        this.seed = 0;
        this.classList.add("webui");
        this.replaceChildren(this.form.element, this.offered, element("section", { class: "preview" }, this.count, this.list, this.again));
    }

    /** The template that a pasted picture was drawn from: put into the prompt, or offered, as the settings say. */
    async offer() {
        const { template = "", negative_template: negative = "" } = this.value;
        if (!this.offered || !(template || negative)) return void (this.offered && (this.offered.hidden = true));
        const put = () => {
            if (template) setPrompt({ tab: this.form_tab }, template);
            if (negative) setPrompt({ tab: this.form_tab, negative: true }, negative);
            this.forget();
        };
        this.offered.replaceChildren(element("p", { class: "quiet" }, "The pasted picture was drawn from this template:"),
            element("p", { class: "template", translate: false }, template || negative),
            element("div", { class: "toolbar" }, element("button", { type: "button", onclick: put }, "Put the template into the prompt"),
                element("button", { type: "button", onclick: () => this.forget() }, "Forget it")));
        this.offered.hidden = false;
        const known = await settings();
        if (known?.[PASTE] === "the template" && this.value.template === template) put();
    }

    forget() {
        if (!this.form || !this.offered) return;
        this.form.values = { template: "", negative_template: "", prompt_seed: -1 };
        this.offered.hidden = true;
        this.dispatchEvent(new Event("change", { bubbles: true }));
    }

    /** Other lots for the same template. */
    draw() {
        this.seed = (this.seed ?? 0) + 5;
        void this.ask();
    }

    /** Show what the prompt can become, if anybody can see it. */
    refresh() {
        if (this.isConnected && this.offsetParent !== null) void this.ask();
    }

    async ask() {
        const template = promptBox({ tab: this.form_tab })?.value ?? "";
        const asked = JSON.stringify([template, this.seed]);
        this.asked = asked;
        if (!/[{_$]/.test(template)) return this.show(undefined);
        const answer = await fetch("webui/extensions/dynamic_prompts/examples", {
            method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ template, seed: this.seed }),
        }).catch(() => undefined);
        const found = await answer?.json().catch(() => undefined);
        if (asked !== this.asked) return undefined;
        return answer?.ok ? this.show(found) : this.show(undefined, found?.detail ?? found?.error ?? ""); // half a template is being typed: no notice
    }

    /** @param {Examples | undefined} found @param {string} [problem] */
    show(found, problem = "") {
        if (!this.count || !this.list || !this.again) return;
        const missing = found?.missing.length ? element("span", { class: "wrong" }, `There is no wildcard ${found.missing.join(", ")}. `) : "";
        const many = found?.template ? (found.more ? "1000 combinations or more." : `${found.combinations} combinations.`) : "The prompt is the same for each picture.";
        this.count.replaceChildren(problem ? element("span", { class: "wrong" }, problem) : missing, problem ? "" : many);
        this.list.replaceChildren(...(found?.examples ?? []).map((text) => element("li", {}, text)));
        this.list.hidden = this.again.hidden = !found?.template;
    }
}

define("dynamic-prompts-panel", Panel);
