// @ts-check
// One picture of the history, large, with what is known of it and what can be done with it.
import { sendInfotext, sendPicture } from "./actions.js";
import { element, tool } from "./dom.js";
import { file, thumbnail } from "./history_data.js";
import { Stage, View } from "./history_view.js";
import { say } from "./notices.js";
import { call } from "./server.js";

/** @typedef {import("./history_data.js").Row} Row */
/**
 * What the grid behind it does for it.
 * @typedef {object} Around
 * @property {() => number} count
 * @property {(index: number) => number | undefined} idAt
 * @property {(index: number) => Row | undefined} rowAt
 * @property {(id: number) => number} indexOf -1 if it is not there any more
 * @property {(id: number, favourite: boolean) => unknown} favour
 * @property {(ids: number[]) => unknown} remove to the trash, or out of the trash for good
 * @property {(ids: number[]) => unknown} restore
 * @property {(index: number) => unknown} left says which picture was shown last
 * @property {(id: number) => unknown} compare
 * @property {(text: string) => unknown} tell what was done
 * @property {() => boolean} here whether the page runs on the program's own machine
 */

const SHOWN_FIRST = ["Model", "Seed", "Size", "Steps", "Sampler", "Schedule type", "CFG scale"];

const SHOWN_ELSEWHERE = ["Prompt", "Negative prompt", "Size-1", "Size-2"];

/** @param {number} bytes */
const amount = (bytes) => (bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/**
 * Put a text into the clipboard.
 * @param {string} text
 * @param {string} what says that it was done
 * @returns {Promise<string | undefined>} `what`, if it was
 */
export async function copy(text, what) {
    try {
        await navigator.clipboard.writeText(text);
        return what;
    } catch {
        return void say("The browser does not let this page use the clipboard.", "Mark the text and press Ctrl+C.");
    }
}

export class Detail {
    /** @param {Around} around */
    constructor(around) {
        this.around = around;
        this.index = 0;
        this.view = new View();
        this.picture = element("img", { alt: "", draggable: false });
        this.stage = new Stage(this.view, "Picture", this.picture);
        this.side = element("div", { class: "detail-side" });
        this.place = element("span", { class: "quiet detail-place" });
        this.star = tool("history-star", "Favourite (F)", () => this.favour(), { "aria-pressed": "false" });
        const head = element("div", { class: "toolbar detail-head" }, this.place, element("span", { class: "grow" }), this.star,
            tool("history-fit", "Whole picture (0)", () => this.view.reset()),
            tool("history-close", "Close (Esc)", () => this.element.close()));
        this.before = this.step("Picture before", "icon-history-before", -1);
        this.after = this.step("Next picture", "after icon-history-after", 1);
        this.element = /** @type {HTMLDialogElement} */ (element("dialog", {
            class: "webui history-detail", "aria-label": "Picture", onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event),
            onclose: () => this.around.left(this.index),
        }, element("div", { class: "detail-picture" }, this.stage.element, this.before, this.after),
        element("div", { class: "detail-panel" }, head, this.side)));
        this.listenForSwipes();
    }

    /** @param {string} name @param {string} look @param {number} step */
    step(name, look, step) {
        const go = () => this.go(step);
        return element("button", { class: `plain detail-step ${look}`, type: "button", "aria-label": name, title: name, onclick: go });
    }

    /** @param {number} index */
    open(index) {
        this.index = index;
        if (!this.element.isConnected) document.body.append(this.element);
        if (!this.element.open) this.element.showModal();
        this.stage.element.focus();
        return this.show();
    }

    /** The list is another one: stay with the picture; if it was taken out, show the one that is at its place now. */
    refreshed() {
        if (!this.element.open) return;
        const count = this.around.count();
        if (!count) return this.element.close();
        const place = this.id === undefined ? -1 : this.around.indexOf(this.id);
        this.index = place < 0 ? Math.min(this.index, count - 1) : place;
        if (place < 0) this.show();
        else this.placed();
    }

    /** Where in the list the picture is. */
    placed() {
        const count = this.around.count();
        this.place.textContent = `${this.index + 1} of ${count}`;
        this.before.disabled = this.index === 0;
        this.after.disabled = this.index === count - 1;
    }

    /** @param {number} step */
    go(step) {
        const next = this.index + step;
        if (next < 0 || next >= this.around.count()) return;
        this.index = next;
        this.show();
    }

    async show() {
        const id = this.around.idAt(this.index);
        if (id === undefined) return;
        this.view.reset();
        const row = this.around.rowAt(this.index);
        this.placed();
        this.id = id;
        this.load(id, row);
        const known = await call(`webui/history/pictures/${id}`);
        if (!known || this.id !== id) return;
        this.known = known;
        this.marked(known.favourite);
        this.picture.alt = known.title || known.name;
        this.side.replaceChildren(...this.panel(known));
    }

    /**
     * The small copy at once, the picture itself as soon as it is there; its neighbours are fetched ahead.
     * @param {number} id
     * @param {Row | undefined} row
     */
    load(id, row) {
        this.picture.src = thumbnail(id, row, 512);
        const large = new Image();
        large.onload = () => this.id === id && (this.picture.src = large.src);
        large.onerror = () => this.id === id && row?.problem && say(`The picture could not be shown: ${row.problem}`, "");
        large.src = file(id);
        for (const step of [1, -1]) {
            const next = this.around.idAt(this.index + step);
            if (next !== undefined) new Image().src = file(next);
        }
    }

    /** @param {boolean} favourite */
    marked(favourite) {
        this.star.setAttribute("aria-pressed", String(favourite));
    }

    favour() {
        if (!this.known) return;
        this.known.favourite = !this.known.favourite;
        this.marked(this.known.favourite);
        this.around.favour(this.known.id, this.known.favourite);
    }

    /** @param {any} known */
    panel(known) {
        const { values, infotext } = known;
        const parts = [this.buttons(known)];
        for (const [label, title] of [["Prompt", "Prompt"], ["Negative prompt", "Negative prompt"]]) {
            if (!values[label]) continue;
            const text = element("p", { class: "detail-text", translate: false }, values[label]);
            parts.push(element("section", {}, element("h3", {}, title), text));
        }
        parts.push(this.fields(known));
        if (known.problem) parts.push(element("p", { class: "wrong" }, known.problem));
        if (!infotext) parts.push(element("p", { class: "quiet" }, "This picture does not say how it was made."));
        return parts;
    }

    /** @param {any} known */
    fields({ values, width, height, bytes, made, path, kind }) {
        const named = { ...values, Size: values["Size-1"] ? `${values["Size-1"]}x${values["Size-2"]}` : undefined };
        const others = Object.keys(values).filter((label) => !SHOWN_FIRST.includes(label) && !SHOWN_ELSEWHERE.includes(label));
        const rows = [...SHOWN_FIRST, ...others].filter((label) => named[label]).map((label) => [label, named[label]]);
        const language = document.documentElement.lang || undefined;
        rows.push(["Picture", `${width} × ${height}, ${amount(bytes)}`], ["Made", new Date(made * 1000).toLocaleString(language)],
            ["Kind", kind], ["File", path]);
        return element("dl", { class: "detail-fields" }, ...rows.flatMap(([label, value]) =>
            [element("dt", {}, label), element("dd", { translate: false }, value)]));
    }

    /** @param {any} known */
    buttons(known) {
        const { id, infotext, values, name, trashed } = known;
        const address = file(id);
        /** @param {string} words @param {() => unknown} act @param {boolean} [shown] @param {string} [look] */
        const button = (words, act, shown = true, look = "") =>
            shown && element("button", { type: "button", class: look, onclick: act }, words);
        /** @param {string} text @param {string} what */
        const copied = (text, what) => async () => {
            const done = await copy(text, what);
            if (done) this.around.tell(done);
        };
        /** @param {() => unknown} act */
        const leaving = (act) => () => {
            this.element.close();
            act();
        };
        /** @param {"img2img" | "inpaint" | "extras"} target */
        const send = (target) => leaving(() => sendPicture(address, target, name));
        if (trashed) {
            return element("div", { class: "toolbar" }, button("Restore", () => this.around.restore([id]), true, "primary"),
                button("Delete for good", () => this.around.remove([id])));
        }
        return element("div", { class: "detail-buttons" },
            button("Use settings", leaving(() => sendInfotext(infotext)), Boolean(infotext), "primary"),
            button("Send to img2img", send("img2img")), button("Send to inpaint", send("inpaint")),
            button("Send to extras", send("extras")),
            button("Compare with…", leaving(() => this.around.compare(id))),
            element("a", { class: "button", href: `${address}?download=true`, download: name }, "Download"),
            button("Copy prompt", copied(values.Prompt, "The prompt is copied."), Boolean(values.Prompt)),
            button("Copy seed", copied(values.Seed, "The seed is copied."), Boolean(values.Seed)),
            button("Copy infotext", copied(infotext, "The infotext is copied."), Boolean(infotext)),
            button("Open folder", () => this.openFolder(id), this.around.here()),
            button("Delete", () => this.around.remove([id])));
    }

    /** @param {number} id */
    async openFolder(id) {
        const answer = await call(`webui/history/pictures/${id}/show`, { method: "POST" });
        if (answer && !answer.opened) say(`The picture is in ${answer.folder}.`, "There is no file manager to show it with.");
    }

    /** @param {KeyboardEvent} event */
    pressed(event) {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        /** @type {Record<string, () => unknown>} */
        const keys = {
            ArrowLeft: () => this.go(-1), ArrowRight: () => this.go(1), Home: () => this.go(-this.index),
            End: () => this.go(this.around.count() - 1 - this.index), f: () => this.favour(),
            Delete: () => this.id !== undefined && this.around.remove([this.id]),
        };
        const act = keys[event.key] ?? keys[event.key.toLowerCase()];
        if (!act) return;
        event.preventDefault();
        event.stopPropagation();
        act();
    }

    /** A finger drawn over a picture that is not enlarged goes to the next one. */
    listenForSwipes() {
        /** @type {{x: number, y: number} | undefined} */
        let start;
        this.stage.element.addEventListener("pointerdown", (event) => {
            start = event.pointerType === "touch" && this.view.scale === 1 && !start ? { x: event.clientX, y: event.clientY } : undefined;
        });
        this.stage.element.addEventListener("pointerup", (event) => {
            const [x, y] = start ? [event.clientX - start.x, event.clientY - start.y] : [0, 0];
            start = undefined;
            if (Math.abs(x) > 50 && Math.abs(x) > 2 * Math.abs(y)) this.go(x < 0 ? 1 : -1);
        });
    }
}
