// @ts-check
// The page Actions of the Settings tab: memory, hashes, caches, notifications, a description of the system.
import { element } from "./dom.js";
import { act, adopt, all, changes, over } from "./jobs.js";
import { owner } from "./owner.js";
import { call } from "./server.js";

const BASE = "webui/maintenance";

/** What the browser says of notifications. @type {Record<string, string>} */
const PERMISSIONS = {
    granted: "This browser shows notifications of this page.",
    denied: "This browser refuses notifications of this page; its own settings can change that.",
    default: "The browser asks whether this page may show notifications.",
    unsupported: "This browser has no notifications, or shows them only over https or on this machine.",
};

/** @param {string} text */
const quiet = (text) => element("p", { class: "quiet" }, text);
/** @param {string} title @param {...any} content */
const part = (title, ...content) => element("div", { class: "panel action" }, element("h3", {}, title), ...content);
/** @param {string} id @param {string} name @param {() => unknown} act */
const button = (id, name, act) => element("button", { type: "button", id, onclick: act }, name);

/** @param {number | null} bytes */
const size = (bytes) => (bytes === null ? "" : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`);

export class ActionsPage {
    constructor() {
        this.loaded = element("p", { translate: false });
        this.memory = element("p", { class: "quiet", role: "status" });
        this.job = "";
        this.hashing = element("p", { class: "quiet", role: "status" });
        this.bar = element("progress", { hidden: true, max: 1, value: 0, "aria-label": "Progress of hashing" });
        this.stop = button("calculate_all_checkpoint_hash_stop", "Stop", () => act(this.job, "interrupt"));
        this.stop.hidden = true;
        this.caches = element("ul", { class: "caches" });
        this.allowed = element("p", { class: "quiet", role: "status" });
        const shown = () => this.shown();
        this.element = element("section", { hidden: true, id: "settings_actions", dataset: { page: "actions" }, onshown: shown },
            element("header", {}, element("h2", {}, "Actions")),
            element("div", { class: "actions" }, ...this.parts()));
        changes.addEventListener("change", () => this.follow());
    }

    parts() {
        return [
            part("Checkpoint in memory", this.loaded, element("div", { class: "toolbar" },
                button("sett_unload_sd_model", "Unload", () => this.residence("unload", "Unloading")),
                button("sett_reload_sd_model", "Load", () => this.residence("load", "Loading"))), this.memory),
            part("Hashes", quiet("A checkpoint's hash is computed when it is first loaded; here that is done for all at once."),
                element("div", { class: "toolbar" },
                    button("calculate_all_checkpoint_hash", "Calculate all hashes", () => this.hash()), this.stop),
                this.bar, this.hashing),
            part("Caches", quiet("What the program keeps to be quick. It is made again when it is needed."), this.caches),
            part("Notifications", this.allowed, button("request_notifications", "Allow notifications", () => this.allow())),
            part("System",
                quiet("A file with versions, device, memory and changed settings, to add to a report of a problem. It holds no passwords."),
                element("a", { class: "button", id: "sysinfo_download", href: `${BASE}/system`, download: "sysinfo.json" },
                    "Save the description")),
        ];
    }

    shown() {
        call(`${BASE}/checkpoint`).then((answer) => answer && this.tell(answer));
        call(`${BASE}/caches`).then((rows) => rows && this.list(rows));
        this.permission();
    }

    /** @param {{loaded: string | null}} answer */
    tell({ loaded }) {
        this.loaded.textContent = loaded ?? "";
        this.loaded.hidden = !loaded;
        this.memory.textContent = loaded ? "It is in memory." : "No checkpoint is in memory; the next job loads the chosen one.";
    }

    /** @param {"unload" | "load"} what @param {string} words while it goes on */
    async residence(what, words) {
        this.memory.textContent = words;
        const answer = await call(`${BASE}/${what}`, { method: "POST" });
        if (answer) this.tell(answer);
        else this.shown();
    }

    async hash() {
        this.hashing.textContent = "Waiting";
        const answer = await call(`${BASE}/hashes`, { json: { owner: await owner() } });
        this.hashing.textContent = "";
        if (!answer) return;
        this.job = answer.id;
        await adopt(this.job);
        this.follow();
    }

    /** Show how far the hashing is. */
    follow() {
        const job = this.job && all().find((one) => one.id === this.job);
        if (!job) return;
        const ended = over(job);
        this.bar.hidden = this.stop.hidden = ended;
        this.bar.max = job.total || 1;
        this.bar.value = job.done ?? 0;
        if (!ended) this.hashing.textContent = job.total ? `${job.done ?? 0} of ${job.total} files` : "Waiting";
        else if (job.state === "done") this.hashing.textContent = "All checkpoints have their hash.";
        else this.hashing.textContent = job.error ?? "It was stopped; what is done is kept.";
    }

    /** @param {{title: string, bytes: number | null}[]} rows */
    list(rows) {
        const clear = async (/** @type {string} */ title) => {
            const answer = await call(`${BASE}/caches/clear`, { json: { titles: [title] } });
            if (answer) this.list(answer);
        };
        this.caches.replaceChildren(...rows.map(({ title, bytes }) => element("li", {}, element("span", {}, title),
            element("small", {}, size(bytes)),
            element("button", { type: "button", disabled: bytes === 0, "aria-label": `Clear: ${title}`, onclick: () => clear(title) },
                "Clear"))));
    }

    async allow() {
        await Notification.requestPermission();
        this.permission();
    }

    permission() {
        const known = "Notification" in window ? Notification.permission : "unsupported";
        this.allowed.textContent = PERMISSIONS[known];
        const ask = this.element.querySelector("#request_notifications");
        if (ask) ask.disabled = known !== "default";
    }
}
