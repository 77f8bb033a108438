// @ts-check
// The Settings tab: pages of declared settings with search, what is changed, and the way to apply, reset, export and import.
import { afterwards, element } from "./dom.js";
import { say } from "./notices.js";
import { OptionsForm } from "./options.js";
import { call } from "./server.js";
import { offerColors } from "./accent_field.js";
import { offerLogo } from "./logo_field.js";
import { ActionsPage } from "./settings_actions.js";
import { changesView } from "./settings_changes.js";
import { importFile } from "./settings_import.js";
import { LicencesPage } from "./settings_licences.js";
import { applied, changes } from "./settings_values.js";

/** @typedef {import("./options_controls.js").Field & {reload?: boolean}} Field its name is A1111's key here */
/** @typedef {{name: string, title: string, heading: string, fields: Field[]}} Page */
/** @typedef {{page: Page, form: OptionsForm, section: HTMLElement, button: HTMLElement}} Shown */

const ALL = "all";
const CHANGES = "changes";
const CHECKPOINT = "sd_model_checkpoint"; // there is always one in use, whatever was chosen: it has no default to go back to
const ELSEWHERE = "This can be changed only on the machine that the program runs on.";
const same = (/** @type {unknown} */ one, /** @type {unknown} */ other) => JSON.stringify(one) === JSON.stringify(other);

class Settings extends HTMLElement {
    /** @type {Map<string, Shown>} */
    pages = new Map();
    /** What the program has, by key. @type {Record<string, any>} */
    saved = {};
    /** @type {Map<string, {field: Field, page: Page, form: OptionsForm}>} */
    fields = new Map();
    /** @type {Map<string, HTMLElement>} pages that are no settings, and lists over all of them */
    others = new Map();
    at = "";
    here = false;

    connectedCallback() {
        if (this.childElementCount) return this.refresh();
        this.classList.add("webui");
        this.replaceChildren(element("p", { class: "empty" }, "The settings are being read."));
        this.leaving = (/** @type {BeforeUnloadEvent} */ event) => {
            if (this.unsaved().size) event.preventDefault();
        };
        addEventListener("beforeunload", this.leaving);
        this.told = () => this.refresh();
        changes.addEventListener("change", this.told);
        this.extended = () => this.again();
        document.addEventListener("webui-extensions-changed", this.extended);
        this.load();
    }

    disconnectedCallback() {
        if (this.leaving) removeEventListener("beforeunload", this.leaving);
        if (this.told) changes.removeEventListener("change", this.told);
        if (this.extended) document.removeEventListener("webui-extensions-changed", this.extended);
        this.sight?.disconnect();
    }

    async load() {
        const all = await call("webui/settings");
        if (!all) return this.replaceChildren(element("p", { class: "empty" }, "The settings could not be read."));
        if (all.problem) say(all.problem, "");
        this.fill(all);
        this.show(this.pages.keys().next().value ?? ALL);
        this.addEventListener("keydown", (event) => this.key(event));
        let first = true;
        this.sight = new IntersectionObserver(([entry]) => {
            if (entry.isIntersecting && !first) this.refresh();
            first = false;
        });
        this.sight.observe(this);
    }

    /** Make all pages anew. @param {any} all what the program says of them */
    fill(all) {
        this.declared = JSON.stringify(all.pages);
        this.saved = all.values;
        this.here = all.here;
        for (const known of [this.pages, this.fields, this.others]) known.clear();
        /** @type {Field[]} */
        const fields = all.pages.flatMap((/** @type {Page} */ page) => page.fields);
        for (const field of fields) {
            if (field.key === "quicksettings_list") field.described = Object.fromEntries(fields.map(({ key, label }) => [key, label]));
            if (field.key === CHECKPOINT) field.value = this.saved[CHECKPOINT];
        }
        for (const page of all.pages) this.add(page, all.lists);
        this.others.set(CHANGES, element("section", { hidden: true, dataset: { page: CHANGES } }));
        this.others.set("actions", new ActionsPage().element);
        this.others.set("licences", new LicencesPage().element);
        this.content = element("div", { class: "settings-content" }, ...[...this.pages.values()].map((shown) => shown.section),
            ...this.others.values());
        this.replaceChildren(this.bar(), element("div", { class: "settings-body" }, this.navigation(), this.content));
    }

    /** Extensions have come or gone, maybe with pages of their own. What is typed and not applied stays. */
    async again() {
        const all = this.pages.size ? await call("webui/settings") : undefined;
        if (!all || JSON.stringify(all.pages) === this.declared) return;
        const typed = this.unsaved();
        this.fill(all);
        for (const [key, value] of typed) this.fields.get(key)?.form.rows.get(key)?.control.write(value);
        this.show(this.pages.has(this.at) || this.others.has(this.at) || this.at === ALL ? this.at : this.pages.keys().next().value ?? ALL);
        this.edited();
    }

    /** @param {Page} page @param {Record<string, string[]>} lists */
    add(page, lists) {
        page.fields = page.fields.map((field) => ({ ...field, name: field.key }));
        const form = new OptionsForm(page.fields, {
            // what stands above the tabs has its id already
            id: (field) => (document.getElementById(`setting_${field.key}`) ? `settings_tab_${field.key}` : `setting_${field.key}`),
            lists, refresh: (kind) => this.look(kind),
            values: Object.fromEntries(page.fields.map((field) => [field.key, this.saved[field.key]])),
        });
        for (const field of page.fields) {
            this.fields.set(field.key, { field, page, form });
            if (field.local && !this.here) form.disable(field.key, ELSEWHERE);
            form.rows.get(field.key)?.element.querySelector(".label")?.setAttribute("title", field.key);
        }
        offerTabs(form);
        offerLogo(form);
        offerColors(form);
        form.onchange = (key) => this.edited(key);
        const resetPage = () => this.resetPage(page.name);
        const reset = element("button", { type: "button", class: "reset-page", onclick: resetPage }, "Reset this page");
        const section = element("section", { hidden: true, dataset: { page: page.name }, id: `settings_${page.name}` },
            element("header", {}, element("h2", {}, page.title), reset), form.element);
        const show = () => this.show(page.name);
        const button = element("button", { type: "button", class: "plain", dataset: { page: page.name }, onclick: show }, page.title);
        this.pages.set(page.name, { page, form, section, button });
    }

    /** The row of buttons on top. */
    bar() {
        this.count = element("span", { class: "count", hidden: true });
        this.state = element("p", { class: "state", role: "status" });
        const apply = element("button", { type: "button", class: "primary", id: "settings_submit", onclick: () => this.apply() },
            element("span", {}, "Apply settings"), this.count);
        const file = element("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => this.import(file) });
        return element("div", { class: "settings-bar toolbar" }, apply,
            element("button", { type: "button", id: "settings_restart_gradio", title: "Load the page again",
                onclick: () => location.reload() }, "Reload UI"),
            this.state,
            element("button", { type: "button", id: "settings_import", title: "Read settings from a file, also from A1111's config.json",
                onclick: () => file.click() }, "Import"),
            element("a", { class: "button", id: "settings_export", href: "webui/settings/export", download: "settings.json",
                title: "Save all settings as a file" }, "Export"),
            file);
    }

    /** Search and the list of pages. */
    navigation() {
        const search = element("input", { type: "search", id: "settings_search", placeholder: "Search",
            "aria-label": "Search in all settings", oninput: afterwards(() => this.find(search.value), 80) });
        this.search = search;
        const list = element("div", { class: "pages" });
        const choice = element("select", { "aria-label": "Page", onchange: () => this.show(choice.value) });
        this.choice = choice;
        const put = (/** @type {string} */ title, /** @type {HTMLElement[]} */ buttons) => {
            list.append(element("h3", {}, title), ...buttons);
            choice.append(element("optgroup", { label: title },
                ...buttons.map((button) => element("option", { value: button.dataset.page }, button.textContent))));
        };
        const other = (/** @type {string} */ name, /** @type {string} */ title, id = `settings_tab_${name}`) =>
            element("button", { type: "button", class: "plain", id, dataset: { page: name }, onclick: () => this.show(name) }, title);
        put("Overview", [other(ALL, "All settings", "settings_show_all_pages"), other(CHANGES, "Changes")]);
        const headings = new Set([...this.pages.values()].map(({ page }) => page.heading));
        for (const heading of headings)
            put(heading, [...this.pages.values()].filter(({ page }) => page.heading === heading).map(({ button }) => button));
        put("Program", [other("actions", "Actions"), other("licences", "Licences")]);
        this.list = list;
        return element("nav", { class: "settings-pages", "aria-label": "Pages of settings" }, search, choice, list);
    }

    /** Show one page, or one of the lists. @param {string} name */
    show(name) {
        this.at = name;
        if (this.search.value) this.search.value = "";
        for (const button of this.list.querySelectorAll("button")) {
            if (button.dataset.page === name) button.setAttribute("aria-current", "page");
            else button.removeAttribute("aria-current");
        }
        this.choice.value = name;
        for (const { page, section } of this.pages.values()) section.hidden = name !== ALL && page.name !== name;
        for (const row of this.content.querySelectorAll(".unmatched")) row.classList.remove("unmatched");
        for (const [other, section] of this.others) section.hidden = other !== name;
        if (name === CHANGES) this.drawChanges();
        this.others.get(name)?.dispatchEvent(new Event("shown"));
        this.nothing?.remove();
        this.say("");
    }

    /** Show what contains all words, in its label, its help, its choices, its key or its page's title. @param {string} text */
    find(text) {
        const words = text.toLowerCase().split(/\s+/).filter(Boolean);
        if (!words.length) return this.show(this.at);
        let found = 0;
        for (const { page, form, section } of this.pages.values()) {
            let here = 0;
            for (const field of page.fields) {
                const row = form.rows.get(field.key);
                if (!row) continue;
                // the text as it is shown counts too: the page may be in another language
                const about = [field.label, field.help, field.key, page.title, row.element.textContent,
                    ...(field.control === "names" ? [] : field.choices ?? [])]
                    .join("\n").toLowerCase();
                const fits = words.every((word) => about.includes(word));
                row.element.classList.toggle("unmatched", !fits);
                here += Number(fits);
            }
            section.hidden = !here;
            found += here;
        }
        for (const section of this.others.values()) section.hidden = true;
        for (const button of this.list.querySelectorAll("[aria-current]")) button.removeAttribute("aria-current");
        this.nothing?.remove();
        this.nothing = element("p", { class: "empty" }, "No setting contains these words.");
        if (!found) this.content.append(this.nothing);
        this.say(found === 1 ? "1 setting" : `${found} settings`);
    }

    /** What differs from what the program has: key -> value as typed. */
    unsaved() {
        /** @type {Map<string, any>} */
        const found = new Map();
        for (const { page, form } of this.pages.values()) {
            const values = form.values;
            for (const { key } of page.fields) if (!same(values[key], this.saved[key])) found.set(key, values[key]);
        }
        return found;
    }

    /** @param {string} [key] what a person changed */
    edited(key) {
        const unsaved = this.unsaved();
        this.count.hidden = !unsaved.size;
        this.count.textContent = String(unsaved.size);
        const words = unsaved.size === 1 ? "1 change is not applied yet" : `${unsaved.size} changes are not applied yet`;
        if (key !== undefined) this.say(unsaved.size ? words : "");
        document.body.toggleAttribute("data-settings-unsaved", unsaved.size > 0);
        for (const [one, { form }] of this.fields) form.rows.get(one)?.element.classList.toggle("unsaved", unsaved.has(one));
        for (const { page, button } of this.pages.values())
            button.classList.toggle("unsaved", page.fields.some((field) => unsaved.has(field.key)));
        if (this.at === CHANGES) this.drawChanges();
    }

    /** @param {string} words */
    say(words) {
        this.state.textContent = words;
    }

    async apply() {
        const unsaved = this.unsaved();
        if (!unsaved.size) return this.say("Nothing is changed");
        const problems = [...this.pages.values()].flatMap(({ form }) => form.problems);
        if (problems.length) {
            const wrong = [...this.pages.values()].find(({ form }) => form.problems.length);
            if (wrong && this.at !== ALL) this.show(wrong.page.name);
            wrong?.section.querySelector(/** @type {any} */ ("[aria-invalid=true]"))?.focus();
            return say(problems.join(" "), "Nothing was applied.");
        }
        this.say("Applying");
        const answer = await call("webui/settings", { json: { values: Object.fromEntries(unsaved) } });
        if (!answer) return this.say("Nothing was applied");
        this.take(answer.values);
        const reload = answer.changed.some((/** @type {string} */ key) => this.fields.get(key)?.field.reload);
        const count = answer.changed.length === 1 ? "1 setting is applied" : `${answer.changed.length} settings are applied`;
        this.say(reload ? `${count}; Reload UI shows the rest` : count);
        applied(answer.values, answer.changed);
    }

    /** The program's values as they are now; what a person has changed stays as it is typed. @param {Record<string, any>} values */
    take(values) {
        const typed = this.unsaved();
        for (const { page, form } of this.pages.values()) {
            const fresh = page.fields.filter(({ key }) => !same(this.saved[key], values[key]) && !typed.has(key));
            if (fresh.length) form.values = Object.fromEntries(fresh.map(({ key }) => [key, values[key]]));
        }
        this.saved = values;
        const checkpoint = this.fields.get(CHECKPOINT);
        if (checkpoint) checkpoint.field.value = values[CHECKPOINT];
        checkpoint?.form.judge(CHECKPOINT);
        this.edited();
    }

    /** Ask for the values again: another tab, the API or the row on top may have changed them. */
    async refresh() {
        if (!this.pages.size) return;
        const values = await call("webui/settings/values");
        if (values && !same(values, this.saved)) this.take(values);
    }

    /** Look for the models of a kind again. @param {string} kind @returns {Promise<string[] | undefined>} */
    async look(kind) {
        const lists = await call("webui/settings/refresh", { method: "POST" });
        if (!lists) return undefined;
        for (const { form } of this.pages.values()) form.setLists(lists);
        return lists[kind];
    }

    /** Put a page's settings back to their defaults; they count as changes until they are applied. @param {string} name */
    resetPage(name) {
        const shown = this.pages.get(name);
        if (!shown) return;
        for (const key of shown.form.changed) if (!shown.form.rows.get(key)?.refused) shown.form.reset(key);
    }

    drawChanges() {
        const rows = [...this.fields].map(([key, { field, page, form }]) =>
            ({ key, field, page, value: form.rows.get(key)?.control.read() }));
        const section = /** @type {HTMLElement} */ (this.others.get(CHANGES));
        section.replaceChildren(...changesView(rows, this.saved, {
            revert: (keys) => keys.forEach((key) => this.set(key, this.saved[key])),
            reset: (keys) => keys.forEach((key) => this.fields.get(key)?.form.reset(key)),
            show: (key) => this.showField(key),
        }));
    }

    /** @param {string} key @param {any} value */
    set(key, value) {
        const found = this.fields.get(key);
        if (!found) return;
        found.form.values = { [key]: value };
        this.edited(key);
    }

    /** Show a setting on its page. @param {string} key */
    showField(key) {
        const found = this.fields.get(key);
        if (!found) return;
        this.show(found.page.name);
        const row = found.form.rows.get(key);
        row?.element.scrollIntoView({ block: "center" });
        row?.control.input?.focus({ preventScroll: true });
    }

    /** @param {HTMLInputElement} input */
    async import(input) {
        const file = input.files?.[0];
        input.value = "";
        if (!file) return;
        const values = await importFile(file, this.fields, this.saved, this.here);
        if (!values) return;
        for (const [key, value] of Object.entries(values)) this.set(key, value);
        this.show(CHANGES);
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
        event.preventDefault();
        this.apply();
    }
}

/** The tabs on top, for the settings that order and hide them. @param {OptionsForm} form */
function offerTabs(form) {
    const tabs = [...document.querySelectorAll("#tabs > .tab-wrapper button[id^=tab_]")]
        .map((button) => button.id.replace(/^tab_(.*)-button$/, "$1"));
    const names = [...new Set(tabs)];
    if (form.rows.has("ui_tab_order")) form.setChoices("ui_tab_order", names);
    if (form.rows.has("hidden_tabs")) form.setChoices("hidden_tabs", names.filter((name) => name !== "settings"));
}

customElements.define("webui-settings", Settings);
