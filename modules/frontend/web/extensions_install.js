// @ts-check
// The page to install from an address, a zip file or a folder.
import { element } from "./dom.js";
import { review } from "./extensions_dialogs.js";
import { ask } from "./extensions_tasks.js";

export class Installing {
    /** @param {import("./extensions.js").Extensions} tab */
    constructor(tab) {
        this.tab = tab;
        this.url = element("input", { type: "text", inputMode: "url", id: "extension_url", placeholder: "https://", required: true,
            translate: "no" });
        this.branch = element("input", { type: "text", id: "extension_branch", placeholder: "Leave empty to use default main branch",
            translate: "no" });
        this.path = element("input", { type: "text", id: "extension_folder", required: true, translate: "no" });
        this.link = element("input", { type: "checkbox", id: "extension_link" });
        this.file = element("input", { type: "file", id: "extension_zip", accept: ".zip,application/zip",
            onchange: () => this.zip(this.file.files?.[0]) });
        this.gitless = element("p", { class: "quiet", hidden: true }, "This machine has no git, so an address must be that of a zip file.");
        this.nearby = this.form("From a folder on this machine", () => this.folder(), [
            field("The whole path of the folder", this.path),
            element("label", { class: "check" }, this.link, "Use it where it lies, for who writes one"),
        ]);
        this.element = element("div", { class: "install-forms", id: "extension_install_result" },
            this.form("From a URL", () => this.address(), [field("URL for extension's git repository, or of a zip file", this.url),
                field("Specific branch name", this.branch), this.gitless]),
            this.dropZone(), this.nearby,
            element("p", { class: "quiet" },
                "Whatever you install stays off until you have seen what it is. Nothing in it is run before."));
    }

    /** @param {import("./extensions.js").Overview} data */
    update(data) {
        for (const control of this.element.querySelectorAll("input, button")) control.disabled = !data.allowed;
        this.gitless.hidden = data.git;
        this.nearby.hidden = !data.here;
    }

    /** @param {string} title @param {() => unknown} act @param {Node[]} fields */
    form(title, act, fields) {
        return element("form", { class: "panel", onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            act();
        } }, element("h2", {}, title), ...fields, element("button", { type: "submit", class: "primary" }, "Install"));
    }

    dropZone() {
        const zone = element("div", { class: "panel", ondragover: (/** @type {DragEvent} */ event) => {
            event.preventDefault();
            zone.classList.add("dropped-on");
        }, ondragleave: () => zone.classList.remove("dropped-on"), ondrop: (/** @type {DragEvent} */ event) => {
            event.preventDefault();
            zone.classList.remove("dropped-on");
            this.zip(event.dataTransfer?.files[0]);
        } }, element("h2", {}, "From a zip file"), field("Choose a file, or drop one here", this.file));
        return zone;
    }

    async address() {
        const json = { url: this.url.value, branch: this.branch.value };
        this.here(await this.tab.status?.run("Installing:", "webui/extensions/install", json));
    }

    /** @param {File | undefined} file */
    async zip(file) {
        if (!file || !this.tab.data?.allowed) return;
        this.tab.status?.say("Installing from the zip file.");
        const row = await ask("webui/extensions/install-zip", { body: file });
        this.file.value = "";
        if (!row) this.tab.status?.clear();
        await this.here(row);
    }

    async folder() {
        this.tab.status?.say("Installing from the folder.");
        const row = await ask("webui/extensions/install-folder", { json: { path: this.path.value, link: this.link.checked } });
        if (!row) this.tab.status?.clear();
        await this.here(row);
    }

    /** Show a new extension before it may run. @param {import("./extensions.js").Row | undefined} row */
    async here(row) {
        await this.tab.refresh();
        if (!row) return;
        this.tab.status?.say(`${row.title} is here, and still off.`);
        this.tab.show("installed");
        await review(row.name, this.tab);
    }
}

/** @param {string} label @param {HTMLElement} control */
const field = (label, control) => element("label", { class: "field" }, element("span", {}, label), control);
