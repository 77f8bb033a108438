// @ts-check
// What is being fetched: how far, how fast, and what went wrong.
import { element, tool } from "./dom.js";
import { call } from "./server.js";
import { lasting, sizeOf } from "./models_words.js";

const SHOWN = 30;
/** @type {Record<string, string>} */
const WORDS = { queued: "Waiting for its turn", running: "Downloading", waiting: "Trying again soon", paused: "Paused", done: "Done",
    failed: "Failed", cancelled: "Cancelled" };

export class Downloads {
    /** Whether any is under way. */
    moving = false;
    /** @type {Map<string, any>} */
    lines = new Map();
    done = 0;

    /** @param {any} owner the <webui-models> */
    constructor(owner) {
        this.owner = owner;
        this.list = element("ul", { class: "models-downloads" });
        this.spoken = element("p", { class: "for-screen-readers", role: "status" });
        this.element = element("div", { hidden: true, class: "models-fetched" }, element("h3", {}, "Downloads"), this.list, this.spoken);
    }

    async refresh() {
        const rows = await call("webui/models/downloads");
        if (rows) this.draw(rows);
    }

    /** @param {any[]} rows */
    draw(rows) {
        this.moving = rows.some((one) => ["queued", "running", "waiting"].includes(one.state));
        this.element.hidden = !rows.length;
        const shown = [...rows.filter((one) => one.open), ...rows.filter((one) => !one.open)].slice(0, SHOWN);
        const wanted = shown.map((one) => this.line(one));
        for (const old of [...this.list.children]) if (!wanted.includes(old)) old.remove();
        wanted.forEach((line, place) => {
            if (this.list.children[place] !== line) this.list.insertBefore(line, this.list.children[place] ?? null);
        });
        const done = rows.filter((one) => one.state === "done").length;
        if (done > this.done && this.list.dataset.seen) {
            this.spoken.textContent = "A download has ended.";
            this.owner.refresh({ force: true });
        }
        this.done = done;
        this.list.dataset.seen = "yes";
    }

    /** A line is kept while its state stays, or nobody could click on it. @param {any} one */
    line(one) {
        const known = this.lines.get(one.id);
        const line = known?.state === one.state ? known.line : this.fresh(one);
        this.lines.set(one.id, { state: one.state, line });
        const set = (/** @type {string} */ part, /** @type {string} */ text) => {
            const place = line.querySelector(part);
            if (place && place.textContent !== text) place.textContent = text;
        };
        set(".models-how", howFar(one));
        const bar = line.querySelector("progress");
        if (bar && one.size) bar.value = one.received / one.size;
        return line;
    }

    /** @param {any} one */
    fresh(one) {
        const may = this.owner.listing?.may_change ?? true;
        const act = (/** @type {string} */ icon, /** @type {string} */ name, /** @type {() => unknown} */ run) => tool(icon,
            `${name} ${one.name}`, run, { disabled: !may, class: `tool icon-${icon}` });
        const turn = (/** @type {string} */ word) => async () => {
            if (await call(`webui/models/downloads/${one.id}/${word}`, { method: "POST" })) await this.owner.look();
        };
        const remove = async () => {
            if (await call(`webui/models/downloads/${one.id}`, { method: "DELETE" })) await this.refresh();
        };
        const [going, stopped] = [["queued", "running", "waiting"].includes(one.state), ["paused", "failed"].includes(one.state)];
        const buttons = [going && act("pause", "Pause", turn("pause")), one.state === "waiting"
            && act("play", "Try again now", turn("resume")), stopped && act("play", "Go on with", turn("resume")),
            one.open && act("close", "Cancel", turn("cancel")), !one.open && act("close", "Take off the list:", remove)].filter(Boolean);
        const bar = one.open && element("progress",
            { max: 1, "aria-label": `Progress of ${one.name}`, ...(one.size ? { value: one.received / one.size } : {}) });
        return element("li", { class: one.state, dataset: { id: one.id } },
            element("div", { class: "grow" },
                element("div", { class: "models-names" }, element("strong", { translate: false }, one.name),
                    element("small", { translate: false }, one.folder)),
                bar, element("small", { class: "models-how" }),
                one.error && element("small", { class: "wrong" }, one.error), one.error && one.hint && element("small", {}, one.hint),
                ...one.notes.map((/** @type {string} */ note) => element("small", {}, note))),
            element("div", { class: "models-buttons" }, ...buttons));
    }
}

/** @param {any} one */
function howFar(one) {
    if (one.state === "done") return `${WORDS.done}, ${sizeOf(one.size)}${one.checked ? ", its hash is right" : ""}`;
    const parts = [WORDS[one.state]];
    if (one.state === "waiting" && one.next_try !== null) parts[0] = `Trying again in ${lasting(one.next_try)}`;
    if (one.received || one.size) parts.push(one.size ? `${sizeOf(one.received)} of ${sizeOf(one.size)}` : sizeOf(one.received));
    if (one.speed) parts.push(`${sizeOf(one.speed)}/s`);
    if (one.seconds_left) parts.push(`${lasting(one.seconds_left)} left`);
    return parts.join(" · ");
}
