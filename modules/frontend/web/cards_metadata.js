// @ts-check
// What a model's file says of itself, laid out to be read.
import { element, tool } from "./dom.js";

/** @typedef {import("./cards_store.js").Card} Card */
/** @typedef {import("./cards_dialog.js").Details} Details */

/** What stands first: key in the file -> label. @type {[string, string][]} */
const FIRST = [
    ["modelspec.title", "Title"], ["modelspec.author", "Author"], ["modelspec.architecture", "Architecture"],
    ["ss_sd_model_name", "Trained on"], ["ss_base_model_version", "Base model"], ["ss_network_module", "Kind of network"],
    ["ss_network_dim", "Rank"], ["ss_network_alpha", "Alpha"], ["ss_clip_skip", "Clip skip"], ["ss_resolution", "Resolution"],
    ["ss_num_train_images", "Training pictures"], ["ss_num_epochs", "Epochs"], ["ss_steps", "Steps"],
    ["ss_training_started_at", "Training began"], ["ss_training_comment", "Comment"],
];
const LONG = 200;

/** Open a dialog with all metadata. @param {Details} details @param {Card} card */
export function showMetadata(details, card) {
    const { metadata } = details;
    const names = Object.keys(metadata).sort((a, b) => a.localeCompare(b));
    const first = FIRST.filter(([key]) => metadata[key] && metadata[key] !== "None");
    const close = () => dialog.close();
    const look = { class: "webui card-metadata", "aria-label": "What the file says of itself", onclose: () => dialog.remove() };
    const dialog = element("dialog", look,
        element("header", { class: "toolbar" },
            element("h2", { class: "grow", translate: false }, details.name), tool("card-close", "Close", close)),
        element("table", { class: "card-facts" }, element("tbody", {},
            row("File", details.path),
            row("Size", bytes(card.size)),
            row("Changed", new Date(card.modified * 1000).toLocaleString()),
            ...(card.hashes ?? []).map((hash) => row("Hash", hash)),
            ...first.map(([key, label]) => row(label, readable(key, metadata[key]))))),
        names.length
            ? element("details", { open: !first.length }, element("summary", {}, `All ${names.length} entries`),
                element("table", {}, element("tbody", {}, ...names.map((name) => entry(name, metadata[name])))))
            : element("p", { class: "quiet" }, "The file says nothing of itself."));
    const escape = (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Escape" || !dialog.open) return;
        event.preventDefault();
        event.stopPropagation();
        close();
    };
    window.addEventListener("keydown", escape, true);
    dialog.addEventListener("close", () => window.removeEventListener("keydown", escape, true));
    document.body.append(dialog);
    dialog.showModal();
}

/** @param {string} label @param {string} value */
const row = (label, value) => element("tr", {}, element("th", { scope: "row" }, label), element("td", { translate: false }, value));

/** An entry under its own name; what is long is folded. @param {string} name @param {string} value */
function entry(name, value) {
    const text = laidOut(value);
    const shown = text.length > LONG
        ? element("details", {}, element("summary", {}, `${text.slice(0, 80)}…`), element("pre", {}, text))
        : element("span", {}, text);
    return element("tr", { translate: false }, element("th", { scope: "row" }, name), element("td", {}, shown));
}

/** A value, indented where it is a table or a list in JSON. @param {string} value */
function laidOut(value) {
    if (!/^\s*[[{]/.test(value)) return value;
    try {
        return JSON.stringify(JSON.parse(value), null, 2);
    } catch {
        return value;
    }
}

/** @param {string} key @param {string} value */
function readable(key, value) {
    const seconds = Number(value);
    return key.endsWith("_at") && seconds > 0 ? new Date(seconds * 1000).toLocaleString() : value;
}

/** @param {number} size */
function bytes(size) {
    const units = ["bytes", "KB", "MB", "GB"];
    const step = Math.min(units.length - 1, Math.floor(Math.log(Math.max(size, 1)) / Math.log(1024)));
    return `${(size / 1024 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
}
