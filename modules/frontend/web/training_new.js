// @ts-check
// A new training: what is to be learned, from which pictures, by which method. All else is decided, explained, and may be changed.
import { afterwards, element } from "./dom.js";
import { OptionsForm } from "./options.js";
import { Advanced } from "./training_advanced.js";
import { start } from "./training_data.js";
import { Outlook } from "./training_outlook.js";
import { Pictures } from "./training_pictures.js";
import { Presets } from "./training_presets.js";
import { own } from "./training_table.js";

/** @typedef {import("./training_data.js").Form} Form */
/** @typedef {{value: string, title: string, words: string, more?: string}} Card */

const KEPT = "webui-training-form"; // where what is typed outlives a reload
const QUIET = 500; // milliseconds after the last change until the program is asked about it

/** @type {Card[]} */
const GOALS = [
    { value: "subject", title: "A subject", words: "One thing, person or animal: always the same one, in any surroundings." },
    { value: "style", title: "A style", words: "How everything looks: a way of drawing, a light, a palette." },
    { value: "concept", title: "A concept", words: "A kind of thing: a pose, a garment, a sort of building." },
];
/** @type {Card[]} */
const METHODS = [
    { value: "LoRA", title: "LoRA",
        words: "A small file that is put on top of a checkpoint. Right for nearly everything, and the quickest.",
        more: "Comes out in Lora" },
    { value: "Textual Inversion", title: "Textual Inversion",
        words: "A new word for what the checkpoint can nearly draw already. A tiny file.", more: "Comes out in Textual Inversion" },
    { value: "DreamBooth", title: "DreamBooth",
        words: "One subject, with pictures of its kind beside it, so that the checkpoint does not forget the others.",
        more: "Comes out in Lora or in Checkpoints" },
    { value: "Fine-tuning", title: "Fine-tuning", words: "A whole checkpoint is trained on. For hundreds of pictures and much memory.",
        more: "Comes out in Checkpoints" },
];
/** Which groups have no meaning for what comes out. @type {Record<string, string[]>} */
const IDLE = { lora: ["embedding"], embedding: ["network", "parts", "prior"], checkpoint: ["network", "embedding"] };

/** Cards of which one is chosen. @param {string} name @param {string} label @param {Card[]} cards @param {() => void} changed */
function cards(name, label, cards, changed) {
    const inputs = cards.map(({ value }) => element("input", { type: "radio", name, value, class: "plain", onchange: changed }));
    const made = element("fieldset", { class: "training-cards" }, element("legend", {}, label),
        ...cards.map(({ title, words, more }, place) => element("label", { class: "training-card" }, inputs[place],
            element("span", {}, element("b", {}, title), element("span", {}, words), more && element("small", {}, more)))));
    return {
        element: made,
        get value() {
            return inputs.find(({ checked }) => checked)?.value ?? cards[0].value;
        },
        set value(value) {
            for (const input of inputs) input.checked = input.value === value;
        },
    };
}

export class NewTraining {
    /** @param {any} owner the <webui-training> @param {Form} known */
    constructor(owner, known) {
        this.owner = owner;
        this.known = known;
        const changed = () => this.changed();
        this.goal = cards("training_goal", "What is to be learned?", GOALS, changed);
        this.method = cards("training_method", "How?", METHODS, changed);
        this.pictures = new Pictures(known.here, changed, (folder) => owner.edit(folder), () => this.names.values.name);
        this.names = this.basics(["name", "trigger", "checkpoint"]);
        this.more = this.basics(["dreambooth_as"]);
        this.kind = element("input", { type: "text", id: "training_class", autocomplete: "off", spellcheck: false, translate: "no",
            placeholder: "a photo of a dog",
            oninput: () => this.named() });
        this.advanced = new Advanced(known.groups, known.lists, (path) => this.changed(path));
        this.presets = new Presets(known.lists.lora ?? [], () => this.kept(), (values, from, notes) => this.fill(values, from, notes));
        this.outlook = new Outlook(() => this.start(), () => this.changed(), (folder, names) => owner.edit(folder, names),
            (values) => this.adjust(values));
        this.told = element("p", { class: "training-told", role: "status" });
        this.element = this.layout();
        this.ask = afterwards(() => this.look(), QUIET);
        this.put(this.remembered());
        this.changed("");
    }

    /** A form of some of the request's own fields. @param {string[]} names */
    basics(names) {
        const fields = names.map((name) => this.known.fields.find((field) => field.name === name)).filter((field) => field !== undefined);
        const form = new OptionsForm(fields, { lists: this.known.lists, id: ({ name }) => `training_${name}` });
        form.onchange = (name) => this.changed(name);
        return form;
    }

    layout() {
        this.beside = element("div", { class: "training-class" },
            element("label", {}, element("span", {}, "What is it in general?"), this.kind,
                element("small", {}, "Pictures of this are made with the checkpoint and trained beside yours.")), this.more.element);
        const step = (/** @type {string} */ title, /** @type {any[]} */ ...content) => element("section", { class: "training-step" },
            element("h2", {}, title), ...content);
        return element("div", { class: "training-new" },
            element("div", { class: "training-form" }, this.presets.element, this.told, this.goal.element,
                step("From which pictures?", this.pictures.element),
                step("What is it called, and what is it made for?", this.names.element), this.method.element, this.beside,
                    this.advanced.element),
            this.outlook.element);
    }

    // Values

    /** The request as the form says it; what is 0 or empty there is decided by the program. @returns {any} */
    get request() {
        const advanced = this.advanced.values;
        const basic = { ...this.names.values, ...this.more.values, goal: this.goal.value, method: this.method.value };
        const data = { ...advanced.data, folders: this.pictures.value };
        return { ...basic, ...advanced, data };
    }

    /** @param {any} request in part */
    put(request) {
        if (request.goal) this.goal.value = request.goal;
        if (request.method) this.method.value = request.method;
        if (request.data?.folders) this.pictures.value = request.data.folders;
        this.names.values = picked(request, ["name", "trigger", "checkpoint"]);
        this.more.values = picked(request, ["dreambooth_as"]);
        this.advanced.put(request);
        this.kind.value = this.advanced.values.prior?.prompt ?? "";
    }

    /** What the form begins with: what was typed last, or the defaults. */
    remembered() {
        const { defaults, chosen } = this.known;
        const fresh = { ...defaults, checkpoint: defaults.checkpoint || chosen };
        const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
        if (!kept) return fresh;
        this.own = new Set(kept.own);
        return merged(fresh, kept.request);
    }

    /** What a preset keeps. */
    kept() {
        const { name: _name, checkpoint: _checkpoint, trigger: _trigger, data, ...rest } = this.request;
        const { folders: _folders, ...other } = data;
        return { ...rest, data: other };
    }

    /**
     * Put a preset's or a file's values in; what they do not name stays, and so does what belongs to these pictures.
     * @param {any} values undefined: as at the start
     * @param {string} from
     * @param {string[]} [notes]
     */
    fill(values, from, notes = []) {
        const { request } = this;
        const { name, trigger, checkpoint, data } = request;
        const stays = { name, trigger, checkpoint, data: { folders: data.folders } };
        this.put(merged(merged(values ? request : this.known.defaults, values ?? {}), stays));
        this.tell(from, notes);
    }

    /** Put some values in, and leave the others as they are. @param {any} values by group */
    adjust(values) {
        this.put(merged(this.request, values));
        this.changed("");
    }

    /** Say whose settings these are. @param {string} from @param {string[]} [notes] */
    tell(from, notes = []) {
        this.told.replaceChildren(...(from ? [element("span", {}, "The settings are those of "), own(from), "."] : []),
            ...notes.map((note) => element("span", {}, ` ${note}`)));
        this.changed("");
    }

    /** Take over a training's whole request. @param {any} request @param {string} from */
    take(request, from) {
        this.own = new Set(["name", "trigger"]);
        this.put(merged(this.known.defaults, { ...request, name: `${request.name}-2` }));
        this.tell(from);
        this.element.scrollIntoView({ block: "start" });
    }

    /** The models by kind are others now. @param {Record<string, string[]>} lists */
    renew(lists) {
        this.names.setLists(lists);
        this.presets.loras = lists.lora ?? [];
        this.advanced.renew(lists);
    }

    /** Train on a folder. @param {string} folder */
    on(folder) {
        this.pictures.value = [{ folder, repeats: 1, held_out: false }];
        this.changed();
    }

    // Changes

    /** The class prompt is a setting of prior preservation: it stands here where the method is made of it. */
    named() {
        const prompt = this.kind.value;
        this.advanced.put({ prior: { prompt, on: Boolean(prompt.trim()) } });
        this.changed("prior.prompt");
    }

    /** @param {string} [path] what was changed; empty: all of it */
    changed(path) {
        this.own ??= new Set();
        if (path === "name" || path === "trigger") this.own.add(path);
        if (path?.startsWith("prior.")) this.kind.value = this.advanced.values.prior.prompt;
        this.suggest();
        const method = this.method.value;
        const makes = method === "Textual Inversion" ? "embedding"
            : method === "Fine-tuning" || (method === "DreamBooth" && this.more.values.dreambooth_as === "checkpoint") ? "checkpoint"
                : "lora";
        this.advanced.fit((group) => !IDLE[makes].includes(group));
        this.names.show("trigger", makes !== "embedding");
        this.beside.hidden = method !== "DreamBooth";
        localStorage.setItem(KEPT, JSON.stringify({ request: this.request, own: [...this.own] }));
        this.outlook.wait();
        this.ask();
    }

    /** A name and a word for what has none yet, of the folder's name; who types another keeps that. */
    suggest() {
        const folder = this.pictures.value[0]?.folder.replace(/[\\/]+$/, "").split(/[\\/]/).pop() ?? "";
        const words = folder.replace(/^\d+_/, "").replace(/[^\p{L}\p{N}_. -]+/gu, " ").trim();
        if (!words) return;
        const { name, trigger } = this.names.values;
        /** @type {Record<string, string>} */
        const wanted = {};
        if (!this.own?.has("name") || !name) wanted.name = words;
        const word = (wanted.name ?? name).toLowerCase().replace(/[\s.-]+/g, "_");
        if (!this.own?.has("trigger")) wanted.trigger = this.goal.value === "style" ? `${word} style` : word;
        if (wanted.name !== name || wanted.trigger !== trigger) this.names.values = wanted;
    }

    /** Ask the program what it would do. */
    async look() {
        const { request } = this;
        const advice = await this.outlook.look(request, [...this.names.problems, ...this.advanced.problems], this.known.may);
        if (advice) this.advanced.decide(advice.request, advice.reasons);
    }

    /** @param {boolean} visible */
    watch(visible) {
        if (visible && this.outlook.stale) this.changed("");
    }

    async start() {
        const begun = await start(this.request);
        if (!begun) return;
        this.own = new Set();
        localStorage.removeItem(KEPT);
        this.outlook.stale = true; // the next one is judged anew: this name is taken now
        this.owner.open(begun.id);
    }
}

/** @param {any} values @param {string[]} names */
const picked = (values, names) => Object.fromEntries(names.filter((name) => name in values).map((name) => [name, values[name]]));

/**
 * Values with others laid over them, group by group; names that are not known are passed over.
 * @param {any} under
 * @param {any} over
 * @returns {any}
 */
function merged(under, over) {
    const group = (/** @type {any} */ value) => value && typeof value === "object" && !Array.isArray(value);
    return Object.fromEntries(Object.entries(under).map(([name, value]) => [name, !(name in (over ?? {})) ? value
        : group(value) ? merged(value, over[name]) : over[name]]));
}
