// @ts-check
// The Extras tab's own parts: its pictures on the way up, its job, and what came out. The form beside them is Gradio's.
import { sendPicture, takes } from "./actions.js";
import { element, tool } from "./dom.js";
import "./drop.js";
import "./job_line.js";
import { JobFollower } from "./job_follower.js";
import { over } from "./jobs.js";
import { owner } from "./owner.js";
import { call } from "./server.js";

const KIND = "extras";
const MODES = { extras_single_tab: "single", extras_batch_process_tab: "batch", extras_batch_directory_tab: "directory" };
/** @type {[import("./actions.js").Target, string][]} */
const SENDS = [
    ["img2img", "Send the picture to img2img"],
    ["inpaint", "Send the picture to inpaint"],
    ["extras", "Work on the picture again"],
];
/** Ids of files that were sent up already, so that a second Generate sends nothing. @type {WeakMap<File, string>} */
const sent = new WeakMap();

/** @param {string} id of a Gradio tab @returns {boolean} whether it is the one in front; its button may be hidden in a menu on a phone */
const chosen = (id) => document.getElementById(id)?.checkVisibility() === true;

/** @returns {string} which of the three ways to give pictures is chosen */
const mode = () => Object.entries(MODES).find(([id]) => chosen(id))?.[1] ?? "single";

/** @param {"single" | "batch"} kind @returns {any} the place where the pictures of a way lie */
const place = (kind) => document.querySelector(kind === "batch" ? "#extras_image_batch webui-drop" : "#extras_image webui-drop");

/** @param {File} file @returns {Promise<{id: string, name: string} | undefined>} its id with the program; undefined if it was refused */
async function upload(file) {
    if (!sent.has(file)) {
        const answer = await call("webui/uploads", { body: file });
        if (!answer) return undefined;
        sent.set(file, answer.id);
    }
    return { id: /** @type {string} */ (sent.get(file)), name: file.name };
}

/** What the form's Generate sends beside the fields: who asks, which pictures, by scale or to a size. @param {unknown[]} values */
async function collect(values) {
    const now = mode();
    /** @type {{id: string, name: string}[]} */
    const pictures = [];
    const files = now === "directory" ? [] : (place(now)?.files ?? []);
    for (const [number, file] of files.entries()) {
        results()?.say(files.length > 1 ? `Sending picture ${number + 1} of ${files.length}` : "Sending the picture");
        const picture = await upload(file);
        if (!picture) {
            results()?.say("");
            return [...values.slice(0, -1), JSON.stringify({ refused: true })];
        }
        pictures.push(picture);
    }
    results()?.say("");
    const more = { owner: await owner(), mode: now, pictures, to_size: chosen("extras_scale_to_tab"), once: Math.random() };
    return [...values.slice(0, -1), JSON.stringify(more)];
}

/** @returns {Results | null} */
const results = () => document.querySelector("webui-extras");

/** What the job gave, and the buttons under it. */
class Results extends JobFollower {
    kind = KIND;
    /** @type {string[]} */
    paths = [];
    at = 0;

    build() {
        this.classList.add("webui");
        this.line = element("webui-job-line");
        this.picture = element("img", { class: "extras-picture", alt: "Result", hidden: true });
        this.before = element("img", { class: "extras-before", alt: "Source", hidden: true });
        this.divider = element("input", {
            type: "range", class: "extras-divider", min: 0, max: 100, value: 50, hidden: true,
            "aria-label": "Source on the left, result on the right",
            oninput: () => this.stage.style.setProperty("--cut", `${this.divider.value}%`),
        });
        this.empty = element("p", { class: "empty" }, "The result appears here");
        this.stage = element("div", { class: "extras-stage" }, this.picture, this.before, this.divider, this.empty);
        this.thumbnails = element("div", {
            class: "extras-thumbnails", role: "listbox", "aria-label": "Results",
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.keys(event),
        });
        this.tools = element("div", { class: "toolbar", id: "image_buttons_extras" },
            tool("folder", "Open the output folder", () => document.getElementById("extras_folder")?.click(), { id: "extras_open_folder" }),
            tool("download", "Download the picture", () => this.download(), { id: "extras_download" }),
            tool("compare", "Compare with the source", () => this.compare(this.divider.hidden), {
                id: "extras_compare", "aria-pressed": "false",
            }),
            ...SENDS.map(([target, name]) => tool(`to-${target}`, name, () => this.send(target), { id: `extras_send_to_${target}` })));
        this.info = element("p", { id: "html_info_x_extras", class: "extras-said" });
        this.caption = element("p", { id: "html_info_extras", class: "extras-said" });
        this.info.translate = this.caption.translate = false;
        this.log = element("div", { id: "html_log_extras", "aria-live": "polite", class: "quiet" });
        const gallery = element("div", { id: "extras_gallery" }, this.stage, this.thumbnails);
        const frame = element("div", { class: "panel", id: "extras_gallery_container" }, gallery);
        this.append(this.line, frame, this.tools, this.info, this.caption, this.log);
    }

    /** @param {string} words shown where the progress is */
    say(words) {
        this.line.watch(this.job, words);
    }

    /** Show a job and, once it has ended, what it gave. @param {string} id */
    follow(id) {
        this.job = id;
        this.source = mode() === "single" ? place("single")?.files[0] : undefined;
        this.line.watch(id);
        const job = this.line.current;
        if (job && over(job)) this.show(job);
        this.buttons();
    }

    /** @param {any} job that has ended */
    show(job) {
        const summary = job.summary ?? {};
        this.summary = summary;
        this.paths = (summary.paths ?? []).filter(Boolean);
        this.thumbnails.replaceChildren(...(this.paths.length > 1 ? this.paths.map((path, number) => this.thumbnail(path, number)) : []));
        this.select(0);
        const count = this.paths.length;
        const made = !count ? "The pictures are in the output folder." : count === 1 ? "1 picture" : `${count} pictures`;
        const lines = [
            ...(job.state === "failed" ? [job.error, job.hint] : []).map((words) => words && element("p", { class: "wrong" }, words)),
            job.state === "cancelled" ? element("p", {}, "Cancelled") : undefined,
            job.state === "interrupted" ? element("p", {}, "Interrupted; what was ready is kept") : undefined,
            summary.seconds === undefined ? undefined
                : element("p", { class: "toolbar" }, element("span", {}, made), element("span", {}, `${summary.seconds.toFixed(1)} s`)),
            ...(summary.warnings ?? []).slice(0, 20).map((/** @type {string} */ text) => element("p", { class: "wrong" }, text)),
        ];
        this.log.replaceChildren(...lines.filter(Boolean));
    }

    /** @param {string} path @param {number} number */
    thumbnail(path, number) {
        return element("button", {
            type: "button", class: "plain", role: "option", tabIndex: number ? -1 : 0, "aria-label": `Picture ${number + 1}`,
            onclick: () => this.select(number),
        }, element("img", { src: address(path), alt: "", loading: "lazy", decoding: "async" }));
    }

    /** @param {number} number */
    select(number) {
        this.at = number;
        const path = this.paths[number];
        this.picture.hidden = !path;
        this.empty.hidden = Boolean(path);
        if (path) this.picture.src = address(path);
        else this.picture.removeAttribute("src");
        this.compare(false);
        for (const [place, thumbnail] of [...this.thumbnails.children].entries()) {
            thumbnail.setAttribute("aria-selected", String(place === number));
            thumbnail.tabIndex = place === number ? 0 : -1;
        }
        this.info.textContent = this.summary?.infotexts?.[number] ?? "";
        this.caption.textContent = this.summary?.captions?.[number] ?? "";
        this.buttons();
    }

    /** @param {KeyboardEvent} event */
    keys(event) {
        const step = { ArrowLeft: -1, ArrowRight: 1, Home: -this.at, End: this.paths.length - 1 - this.at }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        this.select(Math.max(0, Math.min(this.paths.length - 1, this.at + step)));
        /** @type {HTMLElement} */ (this.thumbnails.children[this.at]).focus();
    }

    /** Lay the source over the left part of the result, or take it away. @param {boolean} on */
    compare(on) {
        const show = on && Boolean(this.source) && this.paths.length > 0;
        if (this.sourceUrl) URL.revokeObjectURL(this.sourceUrl);
        this.sourceUrl = show ? URL.createObjectURL(/** @type {File} */ (this.source)) : "";
        if (show) this.before.src = this.sourceUrl;
        this.before.hidden = this.divider.hidden = !show;
        this.divider.value = 50;
        this.stage.style.setProperty("--cut", "50%");
        document.getElementById("extras_compare")?.setAttribute("aria-pressed", String(show));
    }

    /** What can be pressed now. */
    buttons() {
        const job = this.line?.current;
        const open = Boolean(job && !over(job));
        for (const button of this.tools.querySelectorAll("button:not(#extras_open_folder)")) button.disabled = !this.paths.length;
        this.tools.querySelector("#extras_compare").disabled = !this.paths.length || !this.source;
        for (const [id, usable] of Object.entries({ extras_interrupt: open, extras_skip: job?.state === "running" })) {
            const button = /** @type {HTMLButtonElement | null} */ (document.getElementById(id));
            if (button && button.disabled === usable) button.disabled = !usable;
        }
    }

    download() {
        const path = this.paths[this.at];
        if (path) element("a", { href: address(path), download: nameOf(path) }).click();
    }

    /** @param {import("./actions.js").Target} target */
    send(target) {
        const path = this.paths[this.at];
        if (path) sendPicture(address(path), target, nameOf(path));
    }
}

/** @param {string} path */
const address = (path) => `webui/picture?path=${encodeURIComponent(path)}`;
/** @param {string} path */
const nameOf = (path) => path.split(/[\\/]/).pop() ?? "picture.png";

takes("extras", async (picture, name) => {
    document.getElementById("extras_single_tab-button")?.click();
    place("single")?.put([new File([picture], name, { type: picture.type })]);
});

/** @type {any} */ (window).webui.extras = {
    collect,
    follow: (/** @type {string} */ ticket) => {
        if (ticket) results()?.follow(ticket.split(" ")[0]);
        return [];
    },
    stop: (/** @type {"interrupt" | "skip"} */ how) => {
        results()?.line.stop(how);
        return [];
    },
    job: () => results()?.job ?? "",
};

customElements.define("webui-extras", Results);
