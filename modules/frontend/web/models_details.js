// @ts-check
// One model file: what it is, why it cannot be used, and what can be done with it.
import { element, tool } from "./dom.js";
import { say } from "./notices.js";
import { call } from "./server.js";
import { FAMILIES, dayOf, sizeOf } from "./models_words.js";

export class Details {
    id = "";

    /** @param {any} owner the <webui-models> */
    constructor(owner) {
        this.owner = owner;
        this.element = element("aside", { class: "models-details panel", "aria-label": "Details", hidden: true,
            onkeydown: (/** @type {KeyboardEvent} */ event) => {
            if (event.key === "Escape") this.hide();
        } });
    }

    /** Whether it lies over the list, as on a phone. */
    get covers() {
        return getComputedStyle(this.element).position === "fixed";
    }

    /** @param {import("./models.js").ModelFile} file */
    async show(file) {
        this.id = file.id;
        this.element.hidden = false;
        this.owner.toggleAttribute("data-details", true);
        this.draw(file);
        if (this.covers) this.element.querySelector("button")?.focus();
        await this.complete();
    }

    hide() {
        if (this.element.hidden) return;
        this.id = "";
        this.element.hidden = true;
        this.owner.toggleAttribute("data-details", false);
        this.owner.files.paint({ anew: true });
        this.owner.files.focus();
    }

    /** The listing is another: so may this file be. */
    refresh() {
        if (!this.id) return;
        const file = this.owner.listing.files.find((/** @type {any} */ one) => one.id === this.id);
        if (file) this.complete();
        else this.hide();
    }

    /** What only the file's own header says. */
    async complete() {
        const id = this.id;
        const file = await call(`webui/models/files/${id}`);
        if (file && this.id === id) this.draw(file);
    }

    /** @param {any} file */
    draw(file) {
        const opened = this.element.querySelector("details")?.open ?? false;
        const at = this.element.contains(document.activeElement) ? document.activeElement?.getAttribute("data-act") : null;
        const metadata = Object.entries(file.metadata ?? {});
        const close = tool("close", "Close the details", () => this.hide(), { "data-act": "close" });
        const parts = [
            element("div", { class: "toolbar" }, element("h3", { class: "grow", translate: false }, file.name), close),
            file.problem && element("div", { class: "models-problem" }, element("p", { class: "wrong" }, file.problem), file.hint
                && element("p", {}, file.hint)),
            element("div", { class: "toolbar" }, ...this.actions(file)),
            element("dl", {}, ...this.facts(file).flatMap(([name, value, own]) => [element("dt", {}, name),
                element("dd", own ? { translate: false } : {}, value)])),
            metadata.length > 0 && element("details", { open: opened }, element("summary", {}, `${metadata.length} texts in its header`),
                element("dl", { translate: false }, ...metadata.flatMap(([name, value]) => [element("dt", {}, name),
                    element("dd", {}, value)]))),
        ];
        this.element.replaceChildren(...parts.filter(Boolean));
        if (at) /** @type {HTMLElement | null} */ (this.element.querySelector(`[data-act="${at}"]`))?.focus();
    }

    /** @param {any} file */
    actions(file) {
        const { may_change: may, hashing } = this.owner.listing;
        /** @param {string} name @param {string} text @param {() => unknown} act @param {Record<string, any>} [more] */
        const button = (name, text, act, more = {}) => element("button", { type: "button", "data-act": name, onclick: act, ...more }, text);
        const why = may ? {} : { disabled: true, title: "Models are only changed from the machine that the program runs on." };
        return [
            file.kind === "checkpoint" && !file.problem && button("use", "Use this checkpoint", () => this.use(file), { class: "primary" }),
            file.belongs && button("move", "Move it there", () => this.move(file), { class: "primary", ...why }),
            file.sha256 ? button("copy", "Copy hash", () => copied(file.sha256)) : file.known
                && button("hash", "Calculate hash", () => this.hash(file), { disabled: hashing.waiting.includes(file.id) }),
            file.sha256 && element("a", { class: "models-link", "data-act": "civitai", target: "_blank", rel: "noopener noreferrer",
                href: `https://civitai.com/search/models?query=${file.sha256}` }, "Open on Civitai"),
            button("throw", "Delete", () => this.throwAway(file), why),
        ].filter(Boolean);
    }

    /** @param {any} file @returns {[string, any, boolean][]} name, value, whether it is the user's own text */
    facts(file) {
        /** @type {[string, any, boolean][]} */
        const rows = [
            ["Folder", file.folder, true], ["Kind", this.owner.label(file.kind), false],
                ["Family", FAMILIES[file.family] ?? file.family, true],
            ["Details", file.details.join(", "), false], ["Size", `${sizeOf(file.size)} (${file.size.toLocaleString("en")} bytes)`, true],
            ["Changed", dayOf(file.modified), true], ["SHA-256", file.sha256, true], ["The same as", file.same_as.join("\n"), true],
            ["Of the same size", file.maybe_same.join("\n"), true], ["Beside it", file.beside?.join("\n"), true],
        ];
        return rows.filter(([, value]) => value);
    }

    /** @param {any} file */
    use(file) {
        document.dispatchEvent(new CustomEvent("webui-choose-checkpoint", { detail: file.title }));
    }

    /** @param {any} file */
    async hash(file) {
        if (await call("webui/models/hash", { json: { ids: [file.id] } })) await this.owner.look();
    }

    /** @param {any} file */
    async move(file) {
        const answer = await call(`webui/models/files/${file.id}/move`, { method: "POST" });
        if (!answer) return;
        this.owner.files.notice.replaceChildren(element("span", {}, "It was moved to"), " ",
            element("span", { translate: false }, answer.path));
        this.id = "";
        await this.owner.refresh({ force: true });
        const moved = this.owner.listing.files.find((/** @type {any} */ one) => `${one.folder}/${one.name}` === answer.path);
        if (moved) this.show(moved);
        else this.hide();
    }

    /** Into the trash at once, with a way back. @param {any} file */
    async throwAway(file) {
        if (!this.owner.listing.may_change) return;
        const answer = await call(`webui/models/files/${file.id}`, { method: "DELETE" });
        if (!answer) return;
        if (this.id === file.id) this.hide();
        this.owner.files.undoable(`${file.name} is in the trash.`, answer.trash);
        await this.owner.refresh({ force: true });
    }
}

/** @param {string} text */
async function copied(text) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        const field = element("textarea", { value: text, class: "for-screen-readers" });
        document.body.append(field);
        field.select();
        const done = document.execCommand("copy"); // the clipboard is only there for secure addresses
        field.remove();
        if (!done) say("The browser does not let this page copy.", text);
    }
}
