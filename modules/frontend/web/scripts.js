// @ts-check
// Scripts and extensions in a form: the list of scripts with the chosen one's options, and a panel with a switch for each extension.
import { element } from "./dom.js";
import { loaded } from "./extension_loader.js";
import { contribute } from "./forms.js";
import { say } from "./notices.js";
import { withKept } from "./pictures_kept.js";
import { call } from "./server.js";
import { panelForm } from "./scripts_panel.js";

/** @typedef {import("./scripts_panel.js").Panel} Panel */

const NONE = "None";

/** `<webui-script data-tab="txt2img">` */
class Scripts extends HTMLElement {
    /** The panels that are switched on. @type {Set<string>} */
    on = new Set();
    /** Those of them whose options are not shown. @type {Set<string>} */
    folded = new Set();
    /** The script that is chosen. */
    chosen = "";
    /** What outlives a reload. @type {{chosen?: string, on?: string[], folded?: string[], options?: Record<string, any>}} */
    kept = {};
    /** What the program said of the panels that are shown. */
    shown = "";

    connectedCallback() {
        if (this.panels) return;
        this.tab = /** @type {"txt2img" | "img2img"} */ (this.dataset.tab ?? "txt2img");
        /** @type {Panel[]} */
        this.panels = [];
        /** @type {Map<string, import("./scripts_panel.js").PanelForm>} the options of each panel that was opened */
        this.forms = new Map();
        this.classList.add("webui");
        /** @type {Promise<unknown>} settles once the panels are there */
        this.filled = this.fill();
        contribute(this.tab, "extensions", () => this.filled?.then(() => this.value()));
        document.addEventListener("webui-extensions-changed", () => void (this.filled = loaded().then(() => this.fill())));
    }

    /** Ask for the panels, and show them with what was chosen before. */
    async fill() {
        const answer = await call(`webui/scripts?tab=${this.tab}`);
        if (!answer) return;
        const text = JSON.stringify(answer);
        if (text === this.shown) return; // nothing that is open closes, and nothing that is typed moves
        this.shown = text;
        this.panels = answer.panels;
        this.lists = answer.lists;
        this.forms?.clear();
        this.restore();
        this.replaceChildren(...this.alwaysOn(), this.list());
    }

    /** The panels that are there whatever is chosen: each with a switch in its head, and open while it is on unless it is folded. */
    alwaysOn() {
        return (this.panels ?? []).filter((panel) => panel.always_on).map((panel) => {
            const id = this.id_of(panel);
            const body = element("div", { class: "script-body", id: `${id}_body` });
            const box = element("input", { type: "checkbox", id: `${id}_enabled`, checked: this.on.has(panel.name),
                onchange: () => this.turn(panel, box.checked, open) });
            const fold = element("button", { type: "button", class: "plain script-fold", "aria-label": `Options of ${panel.title}`,
                "aria-controls": body.id, onclick: () => open(body.hidden) });
            const open = (/** @type {boolean} */ wanted) => {
                body.hidden = !wanted;
                fold.setAttribute("aria-expanded", String(wanted));
                if (wanted && !body.childElementCount) body.append(this.form(panel).element);
            };
            open(box.checked && !this.folded.has(panel.name));
            fold.addEventListener("click", () => this.fold(panel.name, body.hidden && box.checked));
            return element("section", { class: "script-panel panel", title: panel.description, dataset: { name: panel.name } },
                element("div", { class: "script-head" },
                    element("label", { class: "script-switch" }, box, element("b", {}, panel.title)), fold), body);
        });
    }

    /** Switch a panel on or off. @param {Panel} panel @param {boolean} on @param {(wanted: boolean) => void} open */
    turn(panel, on, open) {
        if (on) this.on.add(panel.name);
        else this.on.delete(panel.name);
        open(on);
        this.fold(panel.name, false);
    }

    /** Remember which of those that are on are closed. @param {string} name @param {boolean} closed */
    fold(name, closed) {
        if (closed) this.folded.add(name);
        else this.folded.delete(name);
        this.keep();
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
        const values = this.kept.options?.[panel.name] ?? {};
        const form = panelForm(panel, { tab: this.tab ?? "txt2img", id: this.id_of(panel), lists: this.lists ?? {}, values });
        form.addEventListener("change", () => this.keep());
        this.forms?.set(panel.name, form);
        return form;
    }

    /** What is sent along with the form: the options of the chosen script and of all panels that are on, by name. */
    value() {
        const names = [this.chosen, ...this.on];
        const chosen = (this.panels ?? []).filter((panel) => names.includes(panel.name) && (panel.always_on || panel.name === this.chosen));
        return Object.fromEntries(chosen.map((panel) => [panel.name, this.form(panel).asked]));
    }

    get place() {
        return `webui-scripts-${this.tab}`;
    }

    /** Outlive a reload. */
    keep() {
        /** @type {Record<string, any>} */
        const options = { ...(this.kept.options ?? {}) };
        for (const [name, form] of this.forms ?? []) options[name] = form.values;
        this.kept = { chosen: this.chosen, on: [...this.on], folded: [...this.folded], options };
        const text = JSON.stringify(this.kept);
        sessionStorage.setItem(this.place, text);
        localStorage.setItem(this.place, text);
    }

    restore() {
        this.kept = JSON.parse(sessionStorage.getItem(this.place) ?? localStorage.getItem(this.place) ?? "{}");
        this.chosen = this.kept.chosen ?? "";
        this.on = new Set(this.kept.on ?? []);
        this.folded = new Set(this.kept.folded ?? []);
    }

    /** Switch on what a request asks of extensions, with its options, and all others off. @param {Record<string, any>} wanted */
    async put(wanted) {
        await this.filled;
        const scripts = (this.panels ?? []).filter((panel) => panel.name in wanted);
        const on = scripts.filter((panel) => panel.always_on).map((panel) => panel.name);
        await this.take(wanted, { chosen: scripts.find((panel) => !panel.always_on)?.name ?? "", on });
    }

    /** Switch on what an infotext says of extensions, with its options; what else is on stays so. @param {Record<string, any>} wanted */
    async add(wanted) {
        await this.filled;
        const scripts = (this.panels ?? []).filter((panel) => panel.name in wanted);
        const on = scripts.filter((panel) => panel.always_on).map((panel) => panel.name);
        const chosen = scripts.find((panel) => !panel.always_on)?.name ?? this.chosen;
        const missing = Object.keys(wanted).filter((name) => !scripts.some((panel) => panel.name === name));
        await this.take(wanted, { chosen, on: [...new Set([...this.on, ...on])] });
        const problems = scripts.flatMap((panel) => this.form(panel).problems.map((problem) => `${panel.title}: ${problem}`));
        if (missing.length) problems.push(`There is no panel here for ${missing.join(", ")}.`);
        if (problems.length) say(problems.join(" "), "");
    }

    /**
     * Show other options: what is not named among those of a panel is at its default.
     * @param {Record<string, any>} wanted
     * @param {{chosen: string, on: string[]}} state
     */
    async take(wanted, { chosen, on }) {
        const options = { ...(this.kept.options ?? {}) };
        for (const [name, form] of this.forms ?? []) options[name] = form.values;
        for (const [name, values] of Object.entries(wanted)) {
            const fields = this.panels?.find((panel) => panel.name === name)?.fields ?? [];
            options[name] = await withKept(fields, values);
        }
        this.kept = { chosen, on, folded: [...this.folded].filter((name) => !(name in wanted)), options };
        this.forms?.clear();
        this.chosen = chosen;
        this.on = new Set(on);
        this.folded = new Set(this.kept.folded);
        this.replaceChildren(...this.alwaysOn(), this.list());
        this.keep();
    }
}

customElements.define("webui-script", Scripts);
