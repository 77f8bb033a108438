// @ts-check
// The pictures of jobs that have ended: fetched when one ends or when the page comes back, and what can be done with them.
import { sendInfotext, sendPicture } from "./actions.js";
import { adopt, ask, changes } from "./jobs.js";
import { say } from "./notices.js";
import { owner } from "./owner.js";
import { setting } from "./page_settings.js";

/** @typedef {"txt2img" | "img2img"} FormTab */

const PATIENCE = 3000; // milliseconds until a result is no longer waited for
const TABS = /** @type {const} */ (["txt2img", "img2img"]);
/** Kind of job -> the tab that shows its pictures. @type {Record<string, FormTab>} */
const SHOWN_IN = { txt2img: "txt2img", img2img: "img2img", batch: "img2img" };

/** What each panel is to show; Gradio's event reads it. @type {Record<FormTab, string>} */
const asked = { txt2img: "", img2img: "" };
/** What a job's end puts into the panel in place of its own pictures: those that stood there, one of them replaced. @type {Map<string, string>} */
const expected = new Map();
/** Whether a result is on its way into a panel; until then its last preview stays. */
export let coming = false;

/** @param {FormTab} tab */
export const wanted = (tab) => asked[tab];

/** Take a job's ticket as the form's event gives it: its id, and what its end shows if not just its own pictures. @param {string} ticket */
export function expect(ticket) {
    const [id, shown] = ticket.split(" ");
    if (shown) expected.set(id, shown);
    return adopt(id);
}

/** Put pictures into a panel, once it is there. @param {FormTab} tab @param {string} pictures a job's id, or `job:0,other:2` */
export async function show(tab, pictures) {
    asked[tab] = pictures;
    const button = document.getElementById(`${tab}_show`);
    if (!button) return; // the tab was not opened yet; see `watchPanels`
    coming = true;
    button.click();
    const end = performance.now() + PATIENCE;
    while (asked[tab] === pictures && performance.now() < end && !arrived(tab)) await new Promise((resolve) => setTimeout(resolve, 30));
    if (asked[tab] !== pictures) return; // others are on their way
    coming = false;
    changes.dispatchEvent(new Event("change"));
}

/** @param {FormTab} tab @returns {boolean} whether the panel shows what it is to show, pictures and all */
function arrived(tab) {
    const pictures = [...document.querySelectorAll(`#${tab}_gallery .preview img`)];
    return info(tab).job === asked[tab] && pictures.every((each) => /** @type {HTMLImageElement} */ (each).complete);
}

/** A reloaded or reopened page shows its last results again. */
export async function restore() {
    changes.addEventListener("ended", (event) => {
        const job = /** @type {CustomEvent} */ (event).detail;
        const tab = SHOWN_IN[job.kind];
        if (!tab) return;
        if (job.state === "failed") say(job.error, job.hint);
        else if (job.state !== "cancelled") show(tab, expected.get(job.id) ?? job.id);
    });
    watchPanels();
    const answer = await ask(`webui/jobs?owner=${encodeURIComponent(await owner())}`);
    if (!answer?.ok) return;
    const jobs = await answer.json();
    for (const tab of TABS) {
        const last = jobs.filter((/** @type {any} */ job) => SHOWN_IN[job.kind] === tab && job.summary?.paths?.length).pop();
        if (last) show(tab, last.id);
    }
}

/** A tab that is opened for the first time shows what came before it was there. */
function watchPanels() {
    const missing = new Set(TABS.filter((tab) => !document.getElementById(`${tab}_show`)));
    const observer = new MutationObserver(() => {
        for (const tab of missing) {
            if (!document.getElementById(`${tab}_show`)) continue;
            missing.delete(tab);
            if (asked[tab]) show(tab, asked[tab]);
        }
        if (!missing.size) observer.disconnect();
    });
    if (missing.size) observer.observe(document.body, { childList: true, subtree: true });
}

/** @param {FormTab} tab @returns {number} which picture is selected, counted from 0 */
export function selected(tab) {
    const thumbnails = [...document.querySelectorAll(`#${tab}_gallery .thumbnails .thumbnail-item`)];
    return Math.max(0, thumbnails.findIndex((each) => each.classList.contains("selected")));
}

/** @param {FormTab} tab @returns {any} what A1111 calls the generation info */
export function info(tab) {
    const field = /** @type {HTMLTextAreaElement | null} */ (document.querySelector(`#generation_info_${tab} :is(textarea, input)`));
    return JSON.parse(field?.value || "{}");
}

/** @param {FormTab} tab @param {string} list "all_seeds" or "all_subseeds" @param {string} text the generation info @returns {string | undefined} */
export function seed(tab, list, text) {
    return (JSON.parse(text || "{}")[list] ?? [])[selected(tab)]?.toString();
}

/** @param {FormTab} tab @returns {HTMLImageElement[]} the pictures of the panel, small, in their order */
export function pictures(tab) {
    const strip = document.querySelectorAll(`#${tab}_gallery .thumbnails img`);
    return /** @type {any} */ ([...(strip.length ? strip : document.querySelectorAll(`#${tab}_gallery .grid-wrap img`))]);
}

/** @param {FormTab} tab @returns {HTMLImageElement | undefined} the selected picture */
export const picture = (tab) => pictures(tab)[selected(tab)];

/** @param {HTMLImageElement} shown @returns {string} the name of its file */
export const nameOf = (shown) => decodeURIComponent(new URL(shown.src).pathname.split("/").pop() ?? "picture.png");

/** Hand the selected picture to the browser's downloads, under its own name. @param {FormTab} tab */
export function download(tab) {
    const shown = picture(tab);
    if (shown) save(shown.src, nameOf(shown));
    return [];
}

/** Hand all pictures of the panel to the browser's downloads, in one file. @param {FormTab} tab */
export function zip(tab) {
    const { pictures = [] } = info(tab);
    if (pictures.length) save(`webui/zip?pictures=${encodeURIComponent(pictures.join(","))}`, "pictures.zip");
    else say("There are no pictures to download.");
    return [];
}

/** @param {string} address @param {string} name */
function save(address, name) {
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
}

/** Put the selected picture's infotext into the fields. @param {FormTab} tab */
export function sendToFields(tab) {
    const text = info(tab).infotexts?.[selected(tab)];
    if (text) sendInfotext(text, tab);
    return [];
}

/** Send the selected picture to another tab, and its settings with it where they have fields there. @param {FormTab} tab @param {import("./actions.js").Target} target */
export async function send(tab, target) {
    const shown = picture(tab);
    const text = info(tab).infotexts?.[selected(tab)];
    if (!shown) {
        say("There is no picture to send.", "Generate one first.");
        return [];
    }
    await sendPicture(shown.src, target, nameOf(shown));
    if (text && (target === "img2img" || target === "inpaint")) sendInfotext(asSent(text), "img2img");
    return [];
}

/** An infotext without what the settings say is not sent along. @param {string} text */
function asSent(text) {
    const lines = text.split("\n");
    let last = lines.pop() ?? "";
    if (!setting("send_seed", true)) last = last.replace(/(^|, )Seed: \d+/, "");
    if (!setting("send_size", true)) last = last.replace(/(^|, )Size: \d+x\d+/, "");
    return [...lines, last].join("\n");
}

/** The values on their way to the ✨ button's event: what the parts hold, the gallery's info, and which picture is selected. @param {FormTab} tab @param {unknown[]} values */
export async function forUpscale(tab, values) {
    const place = values.length - 3;
    return [...values.slice(0, place), JSON.stringify({ owner: await owner() }), values[place + 1], String(selected(tab))];
}
