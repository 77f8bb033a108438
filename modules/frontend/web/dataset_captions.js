// @ts-check
// Captions: of one picture in a field, of many by what is done to them, and new ones by something that describes pictures.
import { difference } from "./dataset_difference.js";
import { choice } from "./dataset_fields.js";
import { element } from "./dom.js";

/** @typedef {import("./dataset.js").Picture} Picture */
const KINDS = {
    add: "Add tags", remove: "Remove tags", replace: "Replace a tag", find: "Find and replace", sort: "Sort tags", tidy: "Tidy tags",
    write: "Write the same",
};
const MARKS = { regex: "Regular expression", match_case: "Upper and lower case", whole_words: "Whole words" };

export class CaptionsPanel {
    /** @param {any} owner the <webui-dataset> */
    constructor(owner) {
        this.owner = owner;
        this.one = element("div", { class: "dataset-one", hidden: true });
        this.many = element("p", { class: "quiet" });
        this.whom = element("p", { class: "quiet" });
        this.element = element("div", { class: "dataset-stack" }, this.one, this.editing(), this.making());
    }

    /** What is done to many captions. */
    editing() {
        this.kind = choice("What is done", KINDS, { class: "grow", onchange: () => this.fields() });
        this.find = element("input", { type: "text", "aria-label": "Find", placeholder: "Find", spellcheck: false });
        this.text = element("input", { type: "text", "aria-label": "Text", spellcheck: false });
        this.at = choice("Where", { end: "At the end", front: "In front" });
        this.by = choice("By", { name: "By name", frequency: "The most frequent first" });
        this.marks = Object.fromEntries(Object.entries(MARKS).map(([name, words]) =>
            [name, element("label", { class: "dataset-mark" }, element("input", { type: "checkbox", name }), words)]));
        this.told = element("div", { class: "dataset-told", "aria-live": "polite" });
        const form = element("form", { class: "dataset-stack",
            onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.edit(false); } },
            element("h3", {}, "Change captions"), this.many, this.kind, this.find, this.text, this.at, this.by,
            element("div", { class: "toolbar" }, ...Object.values(this.marks)),
            element("div", { class: "toolbar" }, element("button", { type: "button", onclick: () => this.edit(true) }, "Look first"),
                element("button", { type: "submit", class: "primary" }, "Change captions")), this.told);
        this.fields();
        return form;
    }

    /** Show what the chosen kind needs. */
    fields() {
        const kind = this.kind.value;
        const finds = kind === "find" || kind === "replace";
        this.find.hidden = !finds;
        this.find.placeholder = kind === "replace" ? "This tag" : "Find";
        this.text.hidden = kind === "sort" || kind === "tidy";
        const words = { replace: "Becomes these tags (empty: it goes)", find: "Replace by", write: "Caption" };
        this.text.placeholder = words[/** @type {"find"} */ (kind)] ?? "Tags, with commas between them";
        this.at.hidden = kind !== "add";
        this.by.hidden = kind !== "sort";
        for (const mark of Object.values(this.marks)) mark.hidden = kind !== "find";
    }

    /** @param {boolean} dry only show what it would change */
    async edit(dry) {
        if (!this.owner.some()) return;
        const kind = this.kind.value;
        const text = this.text.value;
        const marks = Object.fromEntries(Object.entries(this.marks).map(([name, mark]) => [name, mark.firstElementChild.checked]));
        const tags = ["add", "remove", "replace"].includes(kind) ? [text] : [];
        const edit = { kind, text: tags.length ? "" : text, tags, find: this.find.value, at: this.at.value, by: this.by.value,
            ...(kind === "find" ? marks : {}) };
        const answer = await this.owner.call("edit", { names: this.owner.names(), edit, dry });
        if (!answer) return;
        this.show(this.told, answer, dry);
        if (!dry && answer.changed) await this.owner.changed();
    }

    /** What describes pictures. */
    making() {
        this.by_what = element("select", { class: "grow", "aria-label": "By what", onchange: () => this.wanted() });
        this.why = element("p", { class: "quiet" });
        this.template = element("input", { type: "text", placeholder: "a photo of {trigger}, {name}", "aria-label": "Template",
            translate: false, spellcheck: false });
        this.help = element("p", { class: "quiet" }, "{name}, {folder}, {caption}, {trigger} and {number} are filled in.");
        this.trigger = element("input", { type: "text", placeholder: "Trigger word", "aria-label": "Trigger word", spellcheck: false });
        this.threshold = element("input", { type: "number", min: 0.05, max: 1, step: 0.05, value: 0.35 });
        this.sure = element("label", { class: "dataset-mark" }, element("span", {}, "Tags from this sureness on"), this.threshold);
        this.where = choice("Captions that are there", {
            missing: "Only where there is none", replace: "In place of captions", front: "In front of captions", end: "Behind captions",
        });
        this.said = element("div", { class: "dataset-told", "aria-live": "polite" });
        this.write = element("button", { type: "submit", class: "primary" }, "Write captions");
        this.look = element("button", { type: "button", onclick: () => this.make(true) }, "Look first");
        return element("form", { class: "dataset-stack",
            onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.make(false); } },
            element("h3", {}, "Make captions"), this.whom, this.by_what, this.why, this.template, this.help, this.trigger,
            this.sure, this.where,
            element("div", { class: "toolbar" }, this.look, this.write), this.said);
    }

    /** Show what the chosen captioner needs. */
    wanted() {
        const name = this.by_what.value;
        const why = this.owner.head.captioners.find((/** @type {any} */ one) => one.name === name)?.why ?? "";
        this.why.textContent = why;
        this.why.hidden = !why;
        this.look.disabled = this.write.disabled = Boolean(why);
        for (const field of [this.template, this.trigger, this.help]) field.hidden = name !== "template";
        this.sure.hidden = !name.startsWith("tagger ");
    }

    /** @param {boolean} dry */
    async make(dry) {
        const { owner } = this;
        if (!owner.some()) return;
        // What takes a network is shown for a few only: the look is to be quick.
        const names = dry ? owner.names().slice(0, 4) : owner.names();
        const asked = { names, by: this.by_what.value, template: this.template.value, trigger: this.trigger.value,
            where: this.where.value, threshold: Number(this.threshold.value), dry };
        const end = await owner.task.run(`webui/datasets/${owner.current.id}/caption`, asked);
        if (!end) return;
        this.show(this.said, end.result, dry);
        if (!dry && end.result.changed) await owner.changed();
    }

    /** @param {HTMLElement} place @param {any} answer @param {boolean} dry */
    show(place, { changed, differences }, dry) {
        const done = dry ? `Captions that would change: ${changed}` : `Captions changed: ${changed}`;
        const words = changed ? done : "That changes no caption.";
        const rows = dry ? differences.slice(0, 60).map((/** @type {any} */ one) => element("li", {}, element("small",
            { translate: false }, one.name),
            difference(one.before ?? "", one.after))) : [];
        place.replaceChildren(element("p", { class: "quiet" }, words), ...(rows.length ? [element("ul",
            { class: "dataset-differences" }, ...rows)] : []));
    }

    draw() {
        const before = this.by_what.value;
        this.by_what.replaceChildren(...this.owner.head.captioners.map((/** @type {any} */ one) => element("option",
            { value: one.name }, one.why ? `${one.title} (not there)` : one.title)));
        if (before) this.by_what.value = before;
        this.wanted();
        this.select();
    }

    select() {
        if (!this.owner.current) return;
        const whom = this.owner.whom();
        this.many.textContent = whom;
        this.whom.textContent = whom;
        this.single();
    }

    /** The one picture that is selected, large, with its caption to be written. */
    single() {
        const [name, ...others] = this.owner.grid.chosen();
        const picture = others.length ? undefined : this.owner.grid.of(name);
        this.one.hidden = !picture;
        if (!picture) {
            this.shown = undefined;
            return void this.one.replaceChildren();
        }
        const key = `${picture.name} ${picture.stamp} ${picture.caption}`;
        if (this.shown === key) return;
        this.shown = key;
        const field = element("textarea", { rows: 5, value: picture.caption ?? "", translate: "no",
            "aria-label": `Caption of ${picture.name}`, spellcheck: false });
        const save = element("button", { type: "button", class: "primary", onclick: () => this.save(picture, field.value) }, "Save");
        field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.save(picture, field.value);
        });
        const size = picture.width ? `${picture.width} × ${picture.height}` : picture.detail;
        this.one.replaceChildren(
            element("h3", { translate: false, class: "dataset-name" }, picture.name), element("p", { class: "quiet" }, size),
            ...(picture.problem ? [] : [element("img", { class: "dataset-large", src: this.owner.address(picture, 640),
                alt: picture.caption ?? "" })]),
            ...(picture.problem ? [] : [field, element("div", { class: "toolbar" }, save, element("small", {}, "Ctrl+Enter saves"))]));
    }

    /** @param {Picture} picture @param {string} text */
    async save(picture, text) {
        const answer = await this.owner.call("edit", { names: [picture.name], edit: { kind: "write", text }, dry: false });
        if (answer) await this.owner.changed();
    }
}
