// @ts-check
// Settings in the row on top, beside the checkpoint: those that the settings themselves name (quicksettings_list).
import { ask, changes } from "./jobs.js";
import { call } from "./server.js";
import { OptionsForm } from "./options.js";
import { applied } from "./settings_values.js";

const CHECKPOINT = "sd_model_checkpoint"; // a dropdown of Gradio's, since choosing it changes the forms

/** `<webui-quicksettings>`; a change is kept at once. `data-prefix` begins the ids of a second one, since an id is there once. */
class Quicksettings extends HTMLElement {
    connectedCallback() {
        this.classList.add("webui");
        this.fill();
        const renew = () => this.contains(document.activeElement) || this.fill(); // what is being changed is not taken from under the hand
        document.addEventListener("webui-settings-changed", renew);
        document.addEventListener("webui-models-changed", renew);
    }

    async fill() {
        const answer = await call("webui/settings");
        if (!answer) return;
        const wanted = answer.values.quicksettings_list.filter((/** @type {string} */ key) => key !== CHECKPOINT);
        const known = new Map(answer.pages.flatMap((/** @type {any} */ page) => page.fields).map((/** @type {any} */ field) => [field.key, field]));
        const fields = wanted.map((/** @type {string} */ key) => known.get(key)).filter(Boolean).map((/** @type {any} */ field) => ({ ...field, help: "" }));
        const form = new OptionsForm(fields, { id: (/** @type {any} */ field) => `${this.dataset.prefix ?? "setting"}_${field.key}`, lists: answer.lists });
        form.values = Object.fromEntries(fields.map((/** @type {any} */ field) => [field.name, answer.values[field.key]]));
        form.addEventListener("change", (/** @type {any} */ event) => {
            const field = fields.find((/** @type {any} */ each) => each.name === event.detail);
            if (field && !form.problems.length) this.keep(field.key, form.values[field.name]);
        });
        this.replaceChildren(form.element);
    }

    /** @param {string} key @param {unknown} value */
    async keep(key, value) {
        const answer = await call("webui/settings", { json: { values: { [key]: value } } });
        if (answer) applied(answer.values, answer.changed);
    }
}

const PAUSE = 10_000; // milliseconds between two looks at the folders
let seen = "";

/** Bring the page's lists up to date when a model has come or gone. */
async function look() {
    if (document.visibilityState !== "visible") return;
    await compare();
}

/** Ask whether the folders are as they were, and renew the lists if not. */
async function compare() {
    const answer = await ask("webui/stamp");
    if (!answer?.ok) return;
    const { stamp } = await answer.json();
    if (seen && stamp !== seen) {
        document.getElementById("refresh_sd_model_checkpoint")?.click();
        document.dispatchEvent(new CustomEvent("webui-models-changed"));
    }
    seen = stamp;
}

setInterval(look, PAUSE);
addEventListener("focus", look);
changes.addEventListener("models", compare); // at once, also in a page that nobody looks at: its lists are right when somebody does
look();

customElements.define("webui-quicksettings", Quicksettings);
