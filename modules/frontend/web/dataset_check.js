// @ts-check
// What stands in the way of a training, gravest first, each with what mends it.
import { element } from "./dom.js";

const LEVELS = { red: "Stops a training", amber: "Spoils it", green: "Good to know" };
const GROUPS = 6; // of pictures that look the same, shown small
const BESIDE = 5;
const CAPTION = "caption"; // no repair but a tab of its own

export class CheckPanel {
    /** @param {any} owner the <webui-dataset> */
    constructor(owner) {
        this.owner = owner;
        this.side = element("select", { "aria-label": "Resolution", onchange: () => this.check() }, ...[512, 768,
            1024].map((side) => element("option", { value: side }, `${side} × ${side}`)));
        this.verdict = element("p", { class: "dataset-verdict", role: "status" });
        this.list = element("ul", { class: "dataset-findings" });
        this.element = element("div", { class: "dataset-stack" }, element("div", { class: "toolbar" },
            element("button", { type: "button", onclick: () => this.check() }, "Check again"), element("label",
                { class: "dataset-mark" }, element("span", {}, "Trained at"), this.side)), this.verdict, this.list);
    }

    get resolution() {
        return Number(this.side.value);
    }

    draw() {}

    select() {}

    /** Captions or pictures have changed. */
    stale() {
        if (this.checked) this.check();
    }

    async check() {
        if (!this.owner.current) return;
        this.checked = true;
        const found = await this.owner.call("check", { own: this.resolution });
        if (found) this.show(found);
    }

    /** @param {any} found */
    show({ refused, findings, pictures, shown }) {
        const tab = this.owner.tabs.querySelector("#dataset_tab_check");
        const grave = findings.filter((/** @type {any} */ { level }) => level === "red").length;
        const doubts = findings.filter((/** @type {any} */ { level }) => level === "amber").length;
        tab.dataset.count = grave || doubts || "";
        tab.dataset.level = grave ? "red" : "amber";
        this.verdict.dataset.level = refused ? "red" : doubts ? "amber" : "green";
        this.verdict.textContent = refused ? "A training on this is refused until the first of these are mended."
            : doubts ? `${pictures} pictures can be trained on; some things below would spoil it.`
                : `${pictures} pictures can be trained on${shown === pictures ? "" : `, shown ${shown} times in an epoch`}.`;
        this.list.replaceChildren(...findings.map((/** @type {any} */ one) => this.finding(one)));
    }

    /** @param {any} one */
    finding(one) {
        const act = (/** @type {string} */ action) => {
            if (action !== CAPTION) return this.owner.run("repair", { action, names: one.files,
                options: { resolution: this.resolution } });
            this.owner.grid.reset();
            this.owner.grid.draw();
            this.owner.grid.select(one.files);
            this.owner.show("captions");
        };
        const buttons = one.repairs.map((/** @type {any} */ { action, label }, /** @type {number} */ place) => element("button", {
            type: "button", class: place ? undefined : "primary", dataset: { action }, onclick: () => act(action),
        }, label));
        const files = one.groups.length ? one.groups.flat() : one.files;
        if (files.length) {
            buttons.push(element("button", { type: "button", onclick: () => {
                this.owner.grid.reset();
                this.owner.grid.draw();
                this.owner.grid.select(files);
            } }, files.length === 1 ? "Show it" : `Show ${files.length}`));
        }
        return element("li", { class: "dataset-finding", dataset: { level: one.level, kind: one.kind } },
            element("strong", {}, LEVELS[/** @type {"red"} */ (one.level)]), element("p", {}, one.text), ...this.groups(one.groups),
                element("div", { class: "toolbar" }, ...buttons));
    }

    /** Pictures that belong together, beside each other; the one that is kept stands first. @param {string[][]} groups */
    groups(groups) {
        const seen = groups.slice(0, GROUPS).map((names) => element("div", { class: "dataset-group" }, ...names.slice(0,
            BESIDE).map((name) => {
            const picture = this.owner.grid.of(name);
            return picture && element("img", { src: this.owner.address(picture, 128), alt: name, title: name });
        })));
        return groups.length > GROUPS ? [...seen, element("small", {}, `and ${groups.length - GROUPS} more groups`)] : seen;
    }
}
