// @ts-check
// The page of saved sets: which extensions there were, from where, at which commit, and what was on.
import { element } from "./dom.js";
import { ask, date } from "./extensions_tasks.js";
import { say } from "./notices.js";

/** @typedef {import("./extensions.js").SavedSet} SavedSet */

export class Sets {
    /** @param {import("./extensions.js").Extensions} tab */
    constructor(tab) {
        this.tab = tab;
        this.name = element("input", { type: "text", class: "grow", placeholder: "Config name", "aria-label": "A name for the saved set",
            translate: "no" });
        this.file = element("input", { type: "file", accept: ".json,application/json", "aria-label": "A file with a saved set",
            hidden: true,
            onchange: () => this.upload(this.file.files?.[0]) });
        this.list = element("ul", { id: "extension_backup_saved_configs" });
        this.empty = element("p", { class: "empty" },
            "Nothing has been saved yet. Before each update and each restore the set is saved by itself.");
        this.log = element("ul", { class: "lines", translate: "no" });
        this.journal = element("details", { ontoggle: () => this.journal.open && this.read() },
            element("summary", {}, "What was done to the extensions, by whom"), this.log);
        this.element = element("div", {},
            element("form", { class: "toolbar", id: "extensions_backup_top_row", onsubmit: (/** @type {Event} */ event) => {
                event.preventDefault();
                this.save();
            } }, this.name, element("button", { type: "submit", class: "primary" }, "Save Current Config"),
                element("button", { type: "button", id: "extension_backup_restore", onclick: () => this.file.click() },
                    "Restore from a file…"), this.file),
            element("div", { class: "panel" }, this.list, this.empty), this.journal);
    }

    /** @param {import("./extensions.js").Overview} data */
    update(data) {
        for (const control of this.element.querySelectorAll("form input, form button")) control.disabled = !data.allowed;
        this.list.replaceChildren(...data.saved.map((set) => this.line(set, data.allowed)));
        this.empty.hidden = data.saved.length > 0;
        this.journal.hidden = !data.allowed;
    }

    /** @param {SavedSet} set @param {boolean} allowed */
    line(set, allowed) {
        const button = (/** @type {string} */ word, /** @type {() => unknown} */ act) =>
            element("button", { type: "button", class: "small", disabled: !allowed, "aria-label": `${word}: ${set.name}`, onclick: act },
                word);
        return element("li", {}, element("div", { class: "words" },
            element("strong", { translate: "no" }, set.name), element("small", {}, `${date(set.created)} · ${set.count} extensions`)),
        element("div", { class: "toolbar" }, button("Restore", () => this.restore({ file: set.file })),
            button("Download", () => this.download(set)),
            button("Delete", () => this.tab.act("webui/extensions/sets/delete", { file: set.file }))));
    }

    async save() {
        const saved = await this.tab.act("webui/extensions/sets", { name: this.name.value });
        if (saved) this.name.value = "";
    }

    /** @param {SavedSet} set */
    async download(set) {
        const saved = await ask(`webui/extensions/sets/${encodeURIComponent(set.file)}`);
        if (!saved) return;
        const address = URL.createObjectURL(new Blob([JSON.stringify(saved, null, 4)], { type: "application/json" }));
        element("a", { href: address, download: set.file }).click();
        setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }

    /** @param {File | undefined} file */
    async upload(file) {
        if (!file) return;
        if (file.size > 2 ** 20) return say("The file is too large to be a saved set of extensions.");
        const bytes = new Uint8Array(await file.arrayBuffer());
        this.file.value = "";
        await this.restore({ data: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) });
    }

    /** @param {{file?: string, data?: string}} json */
    async restore(json) {
        const problems = await this.tab.status?.run("Restoring:", "webui/extensions/sets/restore", json);
        await this.tab.refresh();
        if (!problems) return;
        if (problems.length) this.tab.status?.say("Not all of it could be restored.", { wrong: true, lines: problems });
        else this.tab.status?.say("The extensions are as they were saved. New ones stay as they were: on or off.");
    }

    async read() {
        const lines = /** @type {Record<string, string>[] | undefined} */ (await ask("webui/extensions/log"));
        this.log.replaceChildren(...(lines ?? []).map(({ time, what, ...rest }) => {
            const facts = Object.entries(rest).map(([name, value]) => `${name} ${value}`).join(", ");
            return element("li", {}, `${time.replace("T", " ").slice(0, 19)} ${what}: ${facts}`);
        }));
    }
}
