// @ts-check
// The panel of face swap: its notice, the options, the faces that were found by number, and a swap between two pictures at once.
import {
    OptionsForm, afterwards, call, define, element, keepPicture, pictureReference, say, sendPicture, settings, shownPicture, onSettings,
} from "easel/extension.js";

/** @typedef {{number: number, box: number[], score: number, yaw: number, thumbnail: string}} Face */

const ROUTE = "webui/extensions/face_swap/";
const CONSENT = "face_swap_consent";
const WAIT = 400; // ms after the last change before faces are looked for again
const LOOKED = ["source", "order", "threshold"]; // fields that decide which faces there are
const BOTH = ["order", "model", "mask_correction", "turned", "threshold", "most", "source_faces", "target_faces"]; // what a trial needs

/** The numbers in a text such as "0,2,1". @param {unknown} text */
const numbersIn = (text) => String(text ?? "").split(",").map((part) => part.trim()).filter((part) => /^\d+$/.test(part)).map(Number);

class FaceSwapPanel extends HTMLElement {
    tab = "txt2img";
    /** @type {any[]} */
    schema = [];
    /** @type {Record<string, string[]>} */
    lists = {};
    /** @type {Record<string, any>} */
    #value = {};
    /** @type {OptionsForm | undefined} */
    #form;
    /** What was looked at last, so that nothing is looked for twice. */
    #seen = { source_faces: "", target_faces: "" };
    /** @type {any} the picture to try the swap on */
    #trial = null;

    get value() {
        return this.#form ? this.#form.values : this.#value;
    }

    set value(given) {
        this.#value = given ?? {};
        if (this.schema.length) this.draw();
    }

    get problems() {
        return this.#form?.problems ?? [];
    }

    draw() {
        this.classList.add("webui");
        this.stop?.();
        const form = new OptionsForm(this.schema, { id: (field) => `${this.tab}_face_swap_${field.name}`, lists: this.lists, values: this.#value });
        this.#form = form;
        form.onchange = (name) => this.changed(name);
        this.sources = this.strip("Faces in the source picture", "source_faces");
        this.targets = this.strip("Faces in this picture", "target_faces");
        this.notice = element("div", { class: "fs-notice", hidden: true });
        form.rows.get("source")?.element.after(this.sources);
        this.replaceChildren(this.notice, form.element, this.trial());
        this.stop = onSettings((keys) => keys.includes(CONSENT) && this.askConsent());
        this.askConsent();
        this.look("source_faces", form.values.source);
    }

    disconnectedCallback() {
        this.stop?.();
    }

    /** @param {string} name of a field */
    changed(name) {
        this.dispatchEvent(new Event("change", { bubbles: true }));
        if (LOOKED.includes(name)) this.soon(() => {
            this.look("source_faces", this.value.source);
            if (name !== "source") this.look("target_faces", this.#trial);
        });
        if (name === "source_faces") this.tick(this.sources, name);
        if (name === "target_faces") this.tick(this.targets, name);
    }

    soon = afterwards((/** @type {() => void} */ act) => act(), WAIT);

    // The notice

    /** Show the notice until it is agreed to. */
    async askConsent() {
        const answer = await call(`${ROUTE}notice`);
        if (!answer) return;
        const agree = element("button", { type: "button", class: "primary", onclick: () => this.agree() }, "I have read it and agree");
        this.notice.hidden = answer.agreed;
        this.notice.replaceChildren(element("strong", {}, "Before the first swap"), element("p", {}, answer.notice), agree);
    }

    async agree() {
        const answer = await call("webui/settings", { method: "POST", json: { values: { [CONSENT]: true } } });
        if (answer) this.notice.hidden = true;
        await settings();
    }

    // Faces that were found

    /** @param {string} title @param {"source_faces" | "target_faces"} field */
    strip(title, field) {
        const strip = /** @type {any} */ (element("webui-found", { choose: true, "aria-label": title, hidden: true }));
        strip.setAttribute("choose", "");
        strip.addEventListener("change", (/** @type {Event} */ event) => {
            event.stopPropagation();
            if (this.#form) this.#form.values = { ...this.#form.values, [field]: strip.chosen.join(",") };
            this.dispatchEvent(new Event("change", { bubbles: true }));
        });
        return strip;
    }

    /** Look for the faces of a picture. @param {"source_faces" | "target_faces"} field @param {any} picture */
    async look(field, picture) {
        const strip = field === "source_faces" ? this.sources : this.targets;
        const { order, threshold } = this.value;
        const reference = pictureReference(picture);
        const asked = JSON.stringify([reference, order, threshold]);
        if (this.#seen[field] === asked) return;
        this.#seen[field] = asked;
        strip.hidden = !reference;
        if (!reference) return;
        const answer = await call(`${ROUTE}faces`, { json: { picture: reference, order, threshold } });
        if (this.#seen[field] !== asked) return; // another picture has come meanwhile
        const wanted = numbersIn(this.value[field]);
        strip.items = (answer?.faces ?? []).map((/** @type {Face} */ face) => ({
            src: face.thumbnail, label: "Face", note: `${face.number}`, on: wanted.includes(face.number),
        }));
        strip.hidden = !strip.items.length;
        if (answer && !answer.faces.length) say("No face was found in the picture.", "A larger one helps, or a lower detection threshold.");
    }

    /** Tick the faces that a field names. @param {any} strip @param {string} field */
    tick(strip, field) {
        const wanted = numbersIn(this.value[field]);
        strip.items = strip.items.map((/** @type {any} */ item, /** @type {number} */ place) => ({ ...item, on: wanted.includes(place) }));
    }

    // A swap at once

    trial() {
        const picture = /** @type {any} */ (element("webui-picture-field", { name: "Picture to change" }));
        picture.setAttribute("name", "Picture to change");
        picture.addEventListener("change", (/** @type {Event} */ event) => {
            event.stopPropagation();
            this.#trial = picture.value;
            this.look("target_faces", this.#trial);
        });
        this.picture = picture;
        this.result = /** @type {any} */ (element("webui-found", { "aria-label": "Swapped", hidden: true }));
        this.sending = element("div", { class: "fs-tools", hidden: true });
        return element("div", { class: "fs-trial" }, element("h4", {}, "Swap in a finished picture"), picture, this.targets,
            element("div", { class: "fs-tools" },
                element("button", { type: "button", onclick: () => this.takeResult() }, "Take the last result"),
                element("button", { type: "button", class: "primary", onclick: () => this.swap() }, "Swap faces now")),
            this.result, this.sending);
    }

    async takeResult() {
        const file = await shownPicture(/** @type {any} */ (this.tab));
        if (!file) return say("There is no result yet.");
        this.#trial = await keepPicture(file);
        this.picture.value = this.#trial;
        return this.look("target_faces", this.#trial);
    }

    async swap() {
        const values = this.value;
        if (!values.source || !this.#trial) return say("It takes two pictures: the one with the face, and the one to change.");
        const asked = Object.fromEntries(BOTH.map((name) => [name, values[name]]));
        const json = { ...asked, source: pictureReference(values.source), target: pictureReference(this.#trial) };
        const answer = await call(`${ROUTE}swap`, { json });
        if (!answer) return undefined;
        answer.warnings.forEach((/** @type {string} */ warning) => say(warning));
        this.result.hidden = false;
        this.result.items = [{ src: answer.image, label: "Swapped", note: `${answer.swapped}` }];
        this.sending.hidden = false;
        const to = (/** @type {any} */ where) => () => sendPicture(answer.image, where, "face-swap.png");
        this.sending.replaceChildren(
            element("button", { type: "button", onclick: () => element("a", { href: answer.image, download: "face-swap.png" }).click() }, "Save"),
            element("button", { type: "button", onclick: to("img2img") }, "Send to img2img"),
            element("button", { type: "button", onclick: to("inpaint") }, "Send to inpaint"),
            element("button", { type: "button", onclick: to("extras") }, "Send to Extras"));
        return answer;
    }
}

define("face-swap-panel", FaceSwapPanel);
