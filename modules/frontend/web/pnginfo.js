// @ts-check
// <webui-pnginfo>: a picture, and everything that its file says.
import { sendInfotext, sendPicture, takes } from "./actions.js";
import { element, tool } from "./dom.js";
import "./drop.js";
import { say } from "./notices.js";
import { call } from "./server.js";

/** Values that stand in the infotext's first two parts, and are shown there. */
const PROMPTS = ["Prompt", "Negative prompt"];
/** @type {[string, string, import("./actions.js").Target | "txt2img"][]} */
const TARGETS = [
    ["txt2img_tab", "Send to txt2img", "txt2img"],
    ["img2img_tab", "Send to img2img", "img2img"],
    ["inpaint_tab", "Send to inpaint", "inpaint"],
    ["extras_tab", "Send to extras", "extras"],
];

const EMPTY = "What the picture's file says appears here: prompt, settings and everything else that was written into it.";

class PictureInfo extends HTMLElement {
    /** What the program read from the picture. @type {any} */
    info = null;

    connectedCallback() {
        if (this.childElementCount) return;
        this.classList.add("webui");
        this.source = element("webui-drop", { id: "pnginfo_image", name: "Source" });
        this.source.addEventListener("change", () => this.look());
        this.sends = element("div", { class: "toolbar pnginfo-sends" },
            ...TARGETS.map(([id, words, target]) =>
                element("button", { type: "button", id, disabled: true, onclick: () => this.send(target) }, words)));
        this.body = element("div", { class: "pnginfo-body", "aria-live": "polite" });
        this.append(element("div", { class: "pnginfo-source" }, this.source, this.sends), this.body);
        this.draw();
    }

    get file() {
        return this.source.files[0];
    }

    async look() {
        const file = this.file;
        this.info = null;
        this.draw(file ? "Reading the picture" : undefined);
        if (!file) return;
        const info = await call("webui/picture-info", { body: file });
        if (this.file !== file) return; // another one was dropped meanwhile
        this.info = info ?? null;
        this.draw(info ? undefined : "The picture could not be read.");
    }

    /** @param {string} [words] in place of the content */
    draw(words) {
        const info = this.info;
        for (const button of this.sends.children) button.disabled = !info || (button.id === "txt2img_tab" && !info.infotext);
        if (!info) {
            this.body.replaceChildren(element("p", { class: "empty" }, words ?? EMPTY));
            return;
        }
        this.body.replaceChildren(...[this.facts(), this.infotext(), this.parameters(), this.credentials(), this.items()].filter(Boolean));
    }

    /** Size, format, and who made it. */
    facts() {
        const { size, format, mode, bytes, source } = this.info;
        const kept = bytes < 2 ** 20 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
        const said = [`${size[0]}x${size[1]}`, format, mode, kept];
        const chips = said.map((text) => element("span", { class: "chip", translate: false }, text));
        if (source) chips.push(element("span", { class: "chip pnginfo-program", translate: false }, source));
        return element("div", { class: "toolbar pnginfo-facts" }, ...chips);
    }

    infotext() {
        const { infotext, source } = this.info;
        if (!infotext) {
            return element("p", { class: "quiet" }, source === "ComfyUI"
                ? "The picture holds a ComfyUI workflow, but no sampler in it could be read as settings."
                : "The picture holds no settings of a generation.");
        }
        const text = element("div", {
            class: "pnginfo-infotext", id: "pnginfo_generation_info", tabIndex: 0, role: "textbox", "aria-readonly": "true",
            "aria-multiline": "true", "aria-label": "Infotext", translate: false,
        }, infotext);
        return section("Infotext", text, tool("copy", "Copy the infotext", () => copy(infotext)));
    }

    /** The values of the infotext's last line. */
    parameters() {
        const rows = Object.entries(this.info.parameters).filter(([label]) => !PROMPTS.includes(label));
        if (!rows.length) return null;
        const list = element("dl", { class: "pnginfo-parameters" }, ...rows.map(([label, value]) =>
            element("div", {}, element("dt", {}, label), element("dd", { translate: false }, String(value)))));
        return section("Settings", list);
    }

    /** What is signed in the file (C2PA). */
    credentials() {
        const told = this.info.credentials;
        if (!told) return null;
        const generated = told.actions.some((/** @type {any} */ action) => action.source === "trainedAlgorithmicMedia");
        const problems = told.problems.filter((/** @type {string} */ code) => code !== "signingCredential.untrusted");
        /** @type {[string, string, boolean][]} */
        const rows = [
            ["Made by", told.program, false],
            ["States", generated ? "a program generated the picture" : told.actions.map((/** @type {any} */ one) => one.action).join(", "), generated],
            ["Signed by", told.signer, false],
            ["Since then", problems.length ? `changed: ${problems.join(", ")}` : "unchanged", !problems.length],
        ];
        const list = element("dl", { class: "pnginfo-parameters" }, ...rows.map(([label, value, ours]) =>
            element("div", {}, element("dt", {}, label), element("dd", { translate: ours }, value))));
        return section("Content credentials", list);
    }

    /** All other texts of the file. */
    items() {
        const { items, more, workflow } = this.info;
        if (!items.length) return null;
        const rows = items.map((/** @type {any} */ item) => this.row(item));
        const table = element("table", { class: "pnginfo-items" }, element("tbody", {}, ...rows));
        const left = more ? element("p", { class: "quiet" }, `${more} more texts are not shown`) : undefined;
        const graph = workflow && items.find((/** @type {any} */ item) => item.name === workflow && !item.cut);
        const save = graph ? tool("download", "Save the workflow as a file", () => this.save(graph.text)) : undefined;
        return section("Everything else in the file", element("div", {}, table, left), save);
    }

    /** @param {{name: string, text: string, cut: boolean}} item */
    row({ name, text, cut }) {
        const value = element("div", { class: "pnginfo-text", translate: false, tabIndex: text.length > 400 ? 0 : undefined }, text);
        const note = cut ? element("small", { class: "quiet" }, "Only its beginning is shown.") : undefined;
        const button = tool("copy", "Copy this text", () => copy(text));
        return element("tr", {},
            element("th", { scope: "row", translate: false }, name),
            element("td", {}, value, note),
            element("td", { class: "pnginfo-copy" }, button));
    }

    /** @param {string} text */
    save(text) {
        const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
        element("a", { href: url, download: `${this.file.name.replace(/\.\w+$/, "")}.workflow.json` }).click();
        setTimeout(() => URL.revokeObjectURL(url), 1000);
    }

    /**
     * Send the picture, and its settings where the target has fields for them.
     * @param {import("./actions.js").Target | "txt2img"} target
     */
    async send(target) {
        const { infotext } = this.info;
        if (target !== "txt2img") await sendPicture(this.file, target, this.file.name);
        if (infotext && target !== "extras") sendInfotext(infotext, target === "txt2img" ? "txt2img" : "img2img");
    }
}

/** @param {string} title @param {HTMLElement} content @param {HTMLElement} [button] */
const section = (title, content, button) =>
    element("section", {}, element("div", { class: "pnginfo-title" }, element("h3", {}, title), button), content);

/** @param {string} text */
async function copy(text) {
    const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    if (done) return;
    // Over plain http from another machine there is no clipboard for scripts.
    const field = element("textarea", { value: text, readOnly: true, style: { position: "fixed", opacity: "0" } });
    document.body.append(field);
    field.select();
    if (!document.execCommand("copy")) say("The text could not be copied.", "Select it, and copy it by the keyboard.");
    field.remove();
}

takes("pnginfo", (picture, name) => {
    const place = /** @type {any} */ (document.querySelector("#pnginfo_image"));
    place?.put([new File([picture], name, { type: picture.type })]);
});

customElements.define("webui-pnginfo", PictureInfo);
