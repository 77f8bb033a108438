// @ts-check
// What is asked once, when the program is used for the first time: whether pictures are screened for content.
import { element } from "./dom.js";
import { call } from "./server.js";

const OPEN = "Not chosen";
const HERE = ["localhost", "127.0.0.1", "[::1]"];
/** @type {[string, string][]} what is kept, and what the button says */
const ANSWERS = [["Off", "Show all pictures"], ["Blur", "Blur such pictures"], ["Block", "Leave such pictures out"]];

/** Ask, in a line above the page that is in nobody's way, until there is an answer. Only whoever sits at this machine may give it. */
export function startFirstChoice() {
    const settings = /** @type {any} */ (window).webuiSettings ?? {};
    if (settings.content_screen !== OPEN || !HERE.includes(location.hostname)) return;
    const line = element("section", { class: "webui first-choice", "aria-label": "Content screen" },
        element("p", {}, "Should pictures be screened for content that not everybody wants to see? Screening needs a classifier in models/safety."),
        element("div", { class: "toolbar" }, ...ANSWERS.map(([mode, words]) =>
            element("button", { type: "button", onclick: () => choose(line, mode) }, words))),
        element("p", { class: "quiet" }, "Settings, Content changes it later."));
    document.body.prepend(line);
}

/** @param {HTMLElement} line @param {string} mode */
async function choose(line, mode) {
    const kept = await call("webui/settings", { json: { values: { content_screen: mode } } });
    if (kept) line.remove();
}
