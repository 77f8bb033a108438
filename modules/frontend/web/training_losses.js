// @ts-check
// The pictures of a training, hardest to learn first: each with its loss beside the usual one, its caption, and the way to its data set.
import { choice } from "./dataset_fields.js";
import { element } from "./dom.js";
import { ask } from "./jobs.js";
import { repair } from "./training_datasets.js";
import { asked } from "./training_presets.js";
import { GOING } from "./training_words.js";
import { VirtualGrid } from "./virtual_grid.js";

/**
 * @typedef {{name: string, seen: number, ratio: number | null, error: number | null, verdict: "hard" | "usual" | "easy" | "few",
 *     fit: number | null, doubtful: boolean, there: boolean, caption: string | null}} Picture
 */
/** @typedef {import("./training_data.js").Run} Run */

const OFTEN = 10_000; // milliseconds between two looks while it trains
const SIDE = 256, SMALL = 150; // pixels: of a copy, the least of a cell
const WORDS = 62; // pixels below a picture
const HIGHEST = 520; // pixels of the grid
const FAR = 2; // times the usual loss, from where the edge is the strongest
/** What stands beside each mark. @type {Record<string, string>} */
const VERDICTS = { hard: "Hard to learn", usual: "As usual", easy: "Easy to learn", few: "Shown too seldom to say" };
const DOUBTED = "The caption may be wrong";

export class PictureLosses {
    /** @type {Picture[]} all, as the program told them */
    list = [];
    /** @type {Picture[]} those that are shown */
    shown = [];
    /** @type {string[]} */
    folders = [];
    key = "";
    asked = 0;

    /** @param {string} id of the training @param {any} owner the <webui-training> */
    constructor(id, owner) {
        this.root = `webui/training/runs/${encodeURIComponent(id)}`;
        this.owner = owner;
        this.kind = choice("Which pictures", { all: "All pictures", doubtful: DOUBTED, ...VERDICTS }, { onchange: () => this.draw() });
        this.open = element("button", { type: "button", onclick: () => this.edit() }, "Show in Dataset");
        this.out = element("button", { type: "button", onclick: () => this.leaveOut() }, "Leave out");
        this.said = element("span", { class: "quiet grow", role: "status" });
        this.grid = new VirtualGrid({
            label: "Pictures that are trained on", cell: SMALL, gap: 8, selectable: true, height: (width) => width + WORDS,
            keyOf: (index) => this.shown[index]?.name,
            render: (index, cell) => this.render(this.shown[index], cell),
            load: (index, cell) => this.load(this.shown[index], cell),
            onopen: (index) => this.grid.select([this.shown[index].name]),
            onselect: () => this.marked(),
        });
        this.none = element("p", { class: "empty", hidden: true }, "No picture is like that.");
        this.element = element("section", { class: "training-losses", hidden: true, "aria-label": "Hard pictures" },
            element("h2", {}, "Which pictures are hard to learn"),
            element("p", { class: "quiet" }, "Each picture's loss beside the usual one at the same noise, the last times it was shown."),
            element("p", { class: "quiet" },
                "A hard one may show something else or have a caption that does not fit; a very easy one may be almost empty."),
            element("ul", { class: "training-heat", "aria-label": "What the marks mean" }, ...Object.entries(VERDICTS)
                .map(([verdict, words]) => element("li", {}, mark(verdict), words)),
                element("li", { title: "With it the network finds the picture little better than without: looked at in the end" },
                    mark("doubtful"), DOUBTED)),
            element("div", { class: "toolbar" }, this.kind, this.said, this.open, this.out), this.none, this.grid.element);
        new ResizeObserver(() => this.fit()).observe(this.element);
    }

    /** Something of the training has changed: its pictures are asked for now and then, and once when it has ended. @param {Run} run */
    look(run) {
        this.run = run;
        const { state, phase, step } = run.status;
        this.out.disabled = GOING.includes(state) || !this.chosen().length;
        const key = `${state} ${phase === "training" ? "" : step}`;
        if (!step || (key === this.key && (!GOING.includes(state) || performance.now() - this.asked < OFTEN))) return;
        this.key = key;
        this.fetch();
    }

    async fetch() {
        this.asked = performance.now();
        const answer = await ask(`${this.root}/pictures`); // a stranger's refusal is not worth a notice
        const told = answer?.ok ? await answer.json().catch(() => null) : null;
        if (!told) return;
        this.folders = told.folders;
        const same = JSON.stringify(told.pictures) === JSON.stringify(this.list);
        this.list = told.pictures;
        if (!same) this.draw();
    }

    draw() {
        this.element.hidden = !this.list.length;
        this.shown = this.list.filter((one) => this.kind.value === "all" || one.verdict === this.kind.value
            || (this.kind.value === "doubtful" && one.doubtful));
        const there = new Set(this.shown.map(({ name }) => name));
        const kept = [...this.grid.selection].filter((name) => there.has(String(name)));
        if (kept.length !== this.grid.selection.size) this.grid.select(kept);
        this.none.hidden = this.shown.length > 0;
        this.grid.element.hidden = !this.shown.length;
        this.grid.update({ count: this.shown.length });
        this.fit();
        this.marked();
    }

    /** As high as few pictures are, and no higher than a part of the page. */
    fit() {
        const height = `${Math.min(HIGHEST, this.grid.layout.height)}px`;
        if (this.grid.element.style.height === height) return;
        this.grid.element.style.height = height;
        this.grid.draw();
        this.grid.still();
    }

    /** @param {Picture} picture @param {HTMLElement} cell */
    render(picture, cell) {
        const words = this.words(picture);
        const name = nameOf(picture);
        cell.dataset.verdict = picture.verdict;
        cell.dataset.doubtful = picture.doubtful ? "yes" : "";
        cell.dataset.far = picture.verdict === "hard" && (picture.ratio ?? 0) >= FAR ? "yes" : "";
        cell.classList.toggle("gone", !picture.there);
        cell.title = [name, ...words, picture.caption ?? ""].join("\n");
        cell.setAttribute("aria-label", [name, ...words, picture.caption ?? ""].join(". "));
        cell.replaceChildren(
            element("span", { class: "training-frame" }, element("img", { alt: "", draggable: false }),
                !picture.there && element("span", { class: "training-gone" }, "No longer there")),
            element("span", { class: "training-how-hard" }, mark(picture.verdict),
                element("b", { translate: "no" }, picture.verdict === "few" ? "—" : `${plain(picture.ratio)} ×`),
                element("small", {}, words[1])),
            ...(picture.doubtful ? [element("span", { class: "training-doubted" }, mark("doubtful"), DOUBTED)] : []),
            element("span", { class: "training-caption", translate: picture.caption ? false : undefined },
                picture.caption || "No caption"));
    }

    /** @param {Picture} picture @param {HTMLElement} cell */
    load(picture, cell) {
        const image = /** @type {HTMLImageElement | null} */ (cell.querySelector("img"));
        if (image && picture.there) image.src = `${this.root}/picture?side=${SIDE}&name=${encodeURIComponent(picture.name)}`;
    }

    /** What the numbers of a picture mean, in parts. @param {Picture} picture */
    words({ verdict, ratio, seen, doubtful }) {
        const times = plain(ratio);
        const hard = { hard: `Hard to learn: ${times} times the usual loss`, easy: `Easy to learn: ${times} times the usual loss`,
            usual: `As usual: ${times} times the usual loss`, few: VERDICTS.few }[verdict];
        return [hard, seen === 1 ? "seen once" : `seen ${seen} times`, ...(doubtful ? [DOUBTED] : [])];
    }

    /** Those that are selected and still there. @returns {Picture[]} */
    chosen() {
        return this.shown.filter(({ name, there }) => there && this.grid.selection.has(name));
    }

    marked() {
        const chosen = this.chosen();
        const hard = this.list.filter(({ verdict }) => verdict === "hard").length;
        const going = GOING.includes(this.run?.status.state ?? "");
        this.open.disabled = !chosen.length;
        this.out.disabled = going || !chosen.length;
        this.out.title = going ? "While it trains its pictures stay" : "";
        const parts = chosen.length === 1 ? this.words(chosen[0]) : [];
        this.said.replaceChildren(...(parts.length ? parts.flatMap((part, place) => [place ? ", " : "", element("span", {}, part)])
            : [chosen.length ? `${chosen.length} pictures are selected` : `${hard} of ${this.list.length} pictures are hard to learn`]));
    }

    /** Show the selected pictures in the workbench: those of the first one's folder. */
    edit() {
        const chosen = this.chosen();
        const folder = chosen[0].name.split("/", 1)[0];
        const names = chosen.map(({ name }) => name).filter((name) => name.startsWith(`${folder}/`));
        this.owner.edit(this.folders[Number(folder)], names.map((name) => name.slice(folder.length + 1)));
    }

    /** Take the selected pictures out of their data sets, as the check's repair does; the workbench can take it back. */
    async leaveOut() {
        const chosen = this.chosen();
        const yes = await asked("Leave these pictures out?", "Leave out",
            element("p", {}, chosen.length === 1 ? "1 picture" : `${chosen.length} pictures`),
            element("p", { class: "quiet" }, "They go out of the data set with their captions; Undo in Dataset brings them back."),
            element("p", { class: "quiet" }, "What was trained stays as it is; a new training learns without them."));
        if (!yes || !this.run) return;
        await repair({ data: { folders: this.folders.map((folder) => ({ folder })) } }, "drop", chosen.map(({ name }) => name));
        document.dispatchEvent(new CustomEvent("webui-dataset-changed", { detail: { folder: this.folders[0] } }));
        this.grid.select([]);
        await this.fetch();
    }
}

/** A verdict's mark: its shape says it too. @param {string} verdict */
const mark = (verdict) => element("span", { class: "training-mark", dataset: { verdict }, "aria-hidden": "true" });

/** A picture's name for people: without its folder's number. @param {Picture} picture */
const nameOf = ({ name }) => name.slice(name.indexOf("/") + 1);

/** @param {number | null} ratio */
const plain = (ratio) => (ratio ?? 0).toFixed((ratio ?? 0) < 9.95 ? 1 : 0);
