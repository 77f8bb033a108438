// @ts-check
// The cards of the models of a kind: folders, search, order, the grid, and what a click on a card does.
import { drawCard, markCard, showPicture } from "./cards_card.js";
import { copyText, editCard } from "./cards_dialog.js";
import { inPrompt, promptText, toggleCard } from "./cards_prompt.js";
import { changes, chosenFamily, chosenTitle, fits, list, load, matches, sorted } from "./cards_store.js";
import { FolderTree } from "./cards_tree.js";
import { afterwards, element, tool } from "./dom.js";
import { heeded } from "./live_settings.js";
import { say } from "./notices.js";
import { setting } from "./page_settings.js";
import { call } from "./server.js";
import { applied } from "./settings_values.js";
import { VirtualGrid } from "./virtual_grid.js";

/** @typedef {import("./cards_store.js").Card} Card */
/** @typedef {import("./cards_store.js").Kind} Kind */
/** @typedef {import("./cards_store.js").Order} Order */
/** @typedef {{order: Order, down: boolean, fits: boolean, tree: boolean}} Look */

/** The list's name, and what stands there without one. @type {Record<Kind, [string, string, string]>} */
const WORDS = {
    lora: ["LoRAs", "There are no LoRAs yet.", "Put .safetensors files into models/Lora; they appear here by themselves."],
    embedding: ["Embeddings", "There are no embeddings yet.", "Put files into the folder embeddings; they appear here by themselves."],
    hypernetwork: [
        "Hypernetworks", "There are no hypernetworks yet.", "Put .pt files into models/hypernetworks; they appear here by themselves.",
    ],
    checkpoint: [
        "Checkpoints", "There are no checkpoints yet.",
        "Put .safetensors files into models/Stable-diffusion; they appear here by themselves.",
    ],
};
const ORDERS = /** @type {[Order, string][]} */ ([
    ["path", "Folder and name"], ["name", "Name"], ["created", "Date created"], ["modified", "Date modified"], ["size", "Size"],
]);
const LOOK = "webui-cards";
const WATCH = 300; // milliseconds between two looks at the prompt, which the program may fill without an event
const CELL = 138; // pixels that a card is wide at least; on a phone less, for three in a row
const PHONE = "(max-width: 760px)";
const WIDTH = "extra_networks_card_width";
const [LEAST, MOST, STEP] = [80, 400, 10]; // pixels, of the slider

/** @returns {number} pixels that a card is wide at least */
const cardWidth = () => setting(WIDTH, 0) || (matchMedia(PHONE).matches ? 108 : CELL);
/** Keep a width for all cards, here and in other pages. */
const keepWidth = afterwards(async (/** @type {number} */ width) => {
    const answer = await call("webui/settings", { json: { values: { [WIDTH]: width } } });
    if (answer) applied(answer.values, answer.changed);
}, 400);

/** How the cards of a kind were shown last. @param {Kind} kind @returns {Partial<Look>} */
function kept(kind) {
    try {
        return JSON.parse(localStorage.getItem(`${LOOK}-${kind}`) ?? "{}");
    } catch {
        return {};
    }
}

class ModelCards extends HTMLElement {
    /** @type {Card[]} */
    shown = [];
    words = /** @type {string[]} */ ([]);
    visible = false;
    state = "";

    connectedCallback() {
        if (this.grid) return this.listen();
        this.kind = /** @type {Kind} */ (this.dataset.kind ?? "lora");
        this.tab = /** @type {"txt2img" | "img2img"} */ (this.dataset.tab ?? "txt2img");
        /** @type {Look} */
        this.look = { order: "path", down: false, fits: true, tree: !matchMedia(PHONE).matches, ...kept(this.kind) };
        this.used = inPrompt(this.kind, this.tab);
        this.family = "";
        this.tree = new FolderTree(() => this.filter({ reset: true }));
        this.grid = new VirtualGrid({
            label: WORDS[this.kind][0], cell: cardWidth(), height: (width) => Math.round(width * 1.5), gap: 8,
            keyOf: (index) => this.shown[index]?.key,
            render: (index, cell) => this.draw(index, cell),
            load: (index, cell) => this.shown[index] && showPicture(cell, this.kind, this.shown[index]),
            onopen: (index, event) => this.act(this.shown[index], event),
            onkey: (event, index) => this.key(event, this.shown[index]),
        });
        this.build();
        this.listen();
    }

    build() {
        this.classList.add("webui");
        this.search = element("input", {
            type: "search", class: "grow", placeholder: "Search names, folders, tags, trigger words, hashes",
            "aria-label": "Search the cards", spellcheck: false, autocomplete: "off", oninput: () => this.typed(),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.searchKey(event),
        });
        const order = element("select", { "aria-label": "Order", onchange: () => this.change({ order: order.value }) },
            ...ORDERS.map(([value, text]) => element("option", { value, selected: value === this.look?.order }, text)));
        this.down = tool("card-down", "From last to first", () => this.change({ down: !this.look?.down }));
        this.folders = tool("card-tree", "Folders", () => this.change({ tree: !this.look?.tree }));
        const flip = () => this.change({ fits: fitting.checked });
        const fitting = element("input", { type: "checkbox", checked: this.look?.fits, onchange: flip });
        const hint = "Hide what is made for another family than the chosen checkpoint's";
        this.fitting = element("label", { class: "card-fits", title: hint },
            fitting, element("span", {}, "Only what fits the checkpoint"));
        this.size = element("input", {
            type: "range", class: "card-size", min: LEAST, max: MOST, step: STEP, value: cardWidth(), title: "Size of the cards",
            "aria-label": "Size of the cards", oninput: () => this.zoom(Number(this.size.value)),
        });
        this.status = element("span", { class: "quiet card-status", "aria-live": "polite" });
        this.empty = element("div", { class: "empty" });
        const bar = element("div", { class: "toolbar", role: "search" }, this.folders, this.search, order, this.down,
            tool("refresh", "Look for files again", () => this.refresh()), this.kind !== "checkpoint" && this.fitting, this.size,
            this.status);
        this.body = element("div", { class: "cards-body" }, this.tree?.element, this.grid?.element, this.empty);
        this.replaceChildren(bar, this.body);
        this.showLook();
    }

    listen() {
        this.abort = new AbortController();
        const { signal } = this.abort;
        changes.addEventListener("change", (event) => this.listChanged(/** @type {CustomEvent} */ (event).detail), { signal });
        const renew = () => this.visible && this.reload({ force: true });
        addEventListener("focus", renew, { signal });
        document.addEventListener("webui-models-changed", renew, { signal });
        heeded.addEventListener("change", () => this.resize(), { signal });
        this.resize();
        document.addEventListener("input", () => this.visible && this.watch(), { signal });
        this.sight = new IntersectionObserver(([entry]) => this.seen(entry.isIntersecting));
        this.sight.observe(this);
        this.timer = window.setInterval(() => this.visible && this.watch(), WATCH);
        this.listChanged(this.kind ?? "lora");
    }

    disconnectedCallback() {
        this.abort?.abort();
        this.sight?.disconnect();
        clearInterval(this.timer);
        this.visible = false;
    }

    /** The tab of the cards is in front, or is left. @param {boolean} visible */
    seen(visible) {
        if (visible && !this.visible) this.reload();
        this.visible = visible;
        if (visible) this.watch();
    }

    /** @param {{force?: boolean}} [how] */
    reload(how) {
        if (this.kind !== "checkpoint") load("checkpoint"); // says which family fits
        return load(this.kind ?? "lora", how);
    }

    async refresh() {
        this.status.textContent = "Looking for files…";
        await this.reload({ force: true });
        this.showStatus();
    }

    // What is shown

    /** @param {Kind} kind */
    listChanged(kind) {
        if (kind !== this.kind && kind !== "checkpoint") return;
        this.family = chosenFamily();
        this.filter({});
    }

    typed() {
        this.words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
        this.filter({ reset: true });
    }

    /** @param {Partial<Look>} look */
    change(look) {
        Object.assign(/** @type {Look} */ (this.look), look);
        localStorage.setItem(`${LOOK}-${this.kind}`, JSON.stringify(this.look));
        this.showLook();
        this.filter({ reset: !("tree" in look) });
    }

    /** @param {number} width of a card, in pixels; shown at once, and kept when the slider rests */
    zoom(width) {
        this.grid?.resize({ cell: width });
        keepWidth(width);
    }

    /** Follow the setting, unless it is just being changed here. */
    resize() {
        const width = cardWidth();
        if (document.activeElement === this.size || this.grid?.options.cell === width) return;
        this.size.value = String(width);
        this.grid?.resize({ cell: width });
    }

    showLook() {
        this.down.setAttribute("aria-pressed", String(this.look?.down));
        this.folders.setAttribute("aria-pressed", String(this.look?.tree));
        this.body.classList.toggle("with-folders", Boolean(this.look?.tree) && Boolean(this.tree?.useful));
    }

    /** Choose the cards that are to be seen. @param {{reset?: boolean}} how `reset`: begin at the top */
    filter({ reset = false }) {
        const { look, tree, grid, kind } = this;
        if (!look || !tree || !grid || !kind) return;
        const all = sorted(kind, look.order, look.down);
        const family = look.fits && kind !== "checkpoint" ? this.family ?? "" : "";
        const matching = all.filter((card) => fits(card, family) && matches(card, this.words));
        tree.update(list(kind).cards, matching);
        const folder = tree.chosen;
        this.shown = folder ? matching.filter((card) => card.folder === folder || card.folder?.startsWith(`${folder}/`)) : matching;
        if (reset) grid.reset();
        grid.update({ count: this.shown.length });
        this.body.classList.toggle("with-folders", look.tree && tree.useful);
        this.folders.hidden = !tree.useful;
        this.showStatus();
    }

    showStatus() {
        const { cards, unread, known } = list(this.kind ?? "lora");
        const reading = unread ? `, reading ${unread} more…` : "";
        const count = this.shown.length === cards.length ? `${cards.length}` : `${this.shown.length} of ${cards.length}`;
        this.status.textContent = known ? `${count}${reading}` : "Looking for files…";
        this.empty.hidden = !known || this.shown.length > 0;
        if (this.grid) this.grid.element.hidden = known && !this.shown.length;
        if (!this.empty.hidden) this.showEmpty(cards);
    }

    /** Why there is no card. @param {Card[]} cards */
    showEmpty(cards) {
        const [, none, where] = WORDS[this.kind ?? "lora"];
        if (!cards.length) return this.empty.replaceChildren(element("p", {}, none), element("p", {}, where));
        const others = this.look?.fits && cards.some((card) => !fits(card, this.family ?? "") && matches(card, this.words));
        const all = element("button", { type: "button", onclick: () => this.fitting.querySelector("input").click() },
            "Show those for other families too");
        this.empty.replaceChildren(element("p", {}, "No card matches."), ...(others ? [all] : []));
    }

    /** @param {number} index @param {HTMLElement} cell */
    draw(index, cell) {
        const card = this.shown[index];
        if (!card) return cell.replaceChildren();
        const other = !fits(card, this.family ?? "") ? "Made for another family than the chosen checkpoint's" : "";
        drawCard(cell, card, {
            used: this.inUse(card), chosen: this.kind === "checkpoint" ? "Chosen" : "In the prompt", reason: other,
            edit: () => this.edit(card), copy: () => copyText(card.tag ?? card.name),
        });
        cell.classList.toggle("misfit", Boolean(other));
    }

    /** @param {Card} card */
    inUse(card) {
        return this.kind === "checkpoint" ? card.title === chosenTitle() : Boolean(this.used?.(card));
    }

    /** Follow the prompts and the chosen checkpoint. */
    watch() {
        const { kind, tab, grid } = this;
        if (!kind || !tab || !grid) return;
        const state = [promptText(tab, false), promptText(tab, true), chosenTitle()].join("\0");
        if (state === this.state) return;
        this.state = state;
        this.used = inPrompt(kind, tab);
        const family = chosenFamily();
        if (family !== this.family) {
            this.family = family;
            this.filter({});
        }
        for (const [index, cell] of grid.cells) if (this.shown[index]) markCard(cell, this.inUse(this.shown[index]));
    }

    // What a person does

    /** @param {Card | undefined} card @param {Event} event */
    act(card, event) {
        const { kind, tab } = this;
        if (!card || !kind || !tab) return;
        if (card.problem) return say(`'${card.name}' cannot be used.`, card.problem);
        if (kind === "checkpoint") {
            document.dispatchEvent(new CustomEvent("webui-choose-checkpoint", { detail: card.title }));
            return;
        }
        const { ctrlKey, metaKey } = /** @type {MouseEvent} */ (event);
        const { weight, separator } = list(kind);
        toggleCard(kind, card, tab, { weight, separator, negative: ctrlKey || metaKey });
        this.watch();
    }

    /** @param {KeyboardEvent} event @param {Card | undefined} card */
    key(event, card) {
        const onCell = event.target instanceof Element && event.target.classList.contains("virtual-cell");
        if (!onCell || !card) return;
        if (event.key === " ") this.act(card, event);
        else if (event.key === "F2" || event.key === "ContextMenu") this.edit(card);
        else if (event.key === "/") this.search.focus();
        else return;
        event.preventDefault();
    }

    /** @param {KeyboardEvent} event */
    searchKey(event) {
        if (event.key === "ArrowDown" || event.key === "Enter") this.grid?.show(0);
        else if (event.key === "Escape" && this.search.value) {
            this.search.value = "";
            this.typed();
            event.stopPropagation();
        } else return;
        event.preventDefault();
    }

    /** @param {Card} card */
    edit(card) {
        if (this.kind && this.tab) editCard(this.kind, card, this.tab);
    }
}

customElements.define("webui-cards", ModelCards);
