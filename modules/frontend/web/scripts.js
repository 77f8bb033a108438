// @ts-check
// Scripts and extensions in a form: the list of scripts with the chosen one's options, and a panel with a switch for each extension.
import { element } from "./dom.js";
import { contribute } from "./forms.js";
import { call } from "./server.js";
import { OptionsForm } from "./options.js";

/** @typedef {{name: string, title: string, description: string, always_on: boolean, fields: any[]}} Panel */

const NONE = "None";

/** `<webui-script data-tab="txt2img">` */
class Scripts extends HTMLElement {
    async connectedCallback() {
        if (this.panels) return;
        this.tab = /** @type {"txt2img" | "img2img"} */ (this.dataset.tab ?? "txt2img");
        /** @type {Panel[]} */
        this.panels = [];
        /** @type {Map<string, any>} the options of each panel that was opened */
        this.forms = new Map();
        /** @type {Set<string>} the panels that are switched on */
        this.on = new Set();
        this.chosen = "";
        this.classList.add("webui");
        contribute(this.tab, "extensions", () => this.value());
        await this.fill();
        document.addEventListener("webui-extensions-changed", () => this.fill());
    }

    /** Ask for the panels, and show them with what was chosen before. */
    async fill() {
        const answer = await call(`webui/scripts?tab=${this.tab}`);
        if (!answer) return;
        this.panels = answer.panels;
        this.lists = answer.lists;
        this.forms?.clear();
        this.restore();
        this.replaceChildren(...this.alwaysOn(), this.list());
    }

    /** The panels that are there whatever is chosen. */
    alwaysOn() {
        return (this.panels ?? []).filter((panel) => panel.always_on).map((panel) => {
            const body = element("div", { class: "script-body", hidden: true });
            const box = element("input", { type: "checkbox", id: `${this.id_of(panel)}_enabled`, checked: this.on?.has(panel.name) });
            const show = () => {
                body.hidden = !box.checked;
                if (box.checked && !body.childElementCount) body.append(this.form(panel).element);
                if (box.checked) this.on?.add(panel.name);
                else this.on?.delete(panel.name);
                this.keep();
            };
            box.addEventListener("change", show);
            if (box.checked) queueMicrotask(show);
            return element("section", { class: "script-panel panel", title: panel.description },
                element("label", { class: "script-switch" }, box, element("b", {}, panel.title)), body);
        });
    }

    /** The list of scripts, and under it the options of the chosen one. */
    list() {
        const scripts = (this.panels ?? []).filter((panel) => !panel.always_on);
        const body = element("div", { class: "script-body" });
        const select = element("select", { id: this.tab === "txt2img" ? "script_list" : "script_list_img2img" },
            element("option", { value: "" }, NONE),
            ...scripts.map((panel) => element("option", { value: panel.name }, panel.title)));
        const show = () => {
            this.chosen = select.value;
            const panel = scripts.find((one) => one.name === this.chosen);
            body.replaceChildren();
            if (panel?.description) body.append(element("p", { class: "quiet" }, panel.description));
            if (panel) body.append(this.form(panel).element);
            this.keep();
        };
        select.value = scripts.some((one) => one.name === this.chosen) ? this.chosen : "";
        select.addEventListener("change", show);
        if (select.value) queueMicrotask(show);
        return element("div", { class: "script-list" },
            element("label", {}, element("span", {}, "Script"), select), body);
    }

    /** @param {Panel} panel */
    id_of(panel) {
        return `script_${this.tab}_${panel.name}`;
    }

    /** The options of a panel as a form, made once. @param {Panel} panel */
    form(panel) {
        const known = this.forms?.get(panel.name);
        if (known) return known;
        const id = (/** @type {any} */ field) => `${this.id_of(panel)}_${field.name}`;
        const form = new OptionsForm(panel.fields, { id, lists: this.lists });
        const kept = this.kept?.options?.[panel.name];
        if (kept) form.values = kept;
        form.addEventListener("change", () => this.keep());
        this.forms?.set(panel.name, form);
        return form;
    }

    /** What is sent along with the form: the options of the chosen script and of all panels that are on, by name. */
    value() {
        const names = [this.chosen, ...(this.on ?? [])];
        const chosen = (this.panels ?? []).filter((panel) => names.includes(panel.name) && (panel.always_on || panel.name === this.chosen));
        return Object.fromEntries(chosen.map((panel) => [panel.name, this.form(panel).values]));
    }

    get place() {
        return `webui-scripts-${this.tab}`;
    }

    /** Outlive a reload. */
    keep() {
        const options = { ...(this.kept?.options ?? {}) };
        for (const [name, form] of this.forms ?? []) options[name] = form.values;
        this.kept = { chosen: this.chosen, on: [...(this.on ?? [])], options };
        const text = JSON.stringify(this.kept);
        sessionStorage.setItem(this.place, text);
        localStorage.setItem(this.place, text);
    }

    restore() {
        this.kept = JSON.parse(sessionStorage.getItem(this.place) ?? localStorage.getItem(this.place) ?? "{}");
        this.chosen = this.kept.chosen ?? "";
        this.on = new Set(this.kept.on ?? []);
    }

    /** Switch on what a request asks of extensions, with its options, and all others off. @param {Record<string, any>} wanted */
    put(wanted) {
        const scripts = (this.panels ?? []).filter((panel) => panel.name in wanted);
        this.kept = {
            chosen: scripts.find((panel) => !panel.always_on)?.name ?? "",
            on: scripts.filter((panel) => panel.always_on).map((panel) => panel.name),
            options: { ...(this.kept?.options ?? {}), ...wanted },
        };
        this.forms?.clear();
        this.chosen = this.kept.chosen;
        this.on = new Set(this.kept.on);
        this.replaceChildren(...this.alwaysOn(), this.list());
        this.keep();
    }
}

customElements.define("webui-script", Scripts);
