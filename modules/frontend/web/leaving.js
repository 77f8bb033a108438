// @ts-check
// Asking before the page is left, where the settings want it: while pictures are made, or a prompt was typed and not sent.
import { mine, open } from "./jobs.js";
import { setting } from "./page_settings.js";
import { box } from "./prompt.js";

const TABS = ["txt2img", "img2img"];
const PROMPTS = ["prompt", "neg_prompt"];
/** What was typed into since it was last sent, with the text before. @type {Map<string, string>} */
const typed = new Map();
/** @type {Map<string, string>} what stood in a prompt when it was last entered or sent */
const before = new Map();

/** @returns {boolean} whether a prompt holds words that were typed here and not sent */
const unsent = () => [...typed].some(([id, text]) => Boolean(box(id)?.value) && box(id)?.value !== text);

/** @param {EventTarget | null} target @returns {string | undefined} the id of the prompt that an element is in */
const promptOf = (target) => target instanceof Element ? target.closest(".prompt.block")?.id : undefined;

/** Generate was pressed: what stands in the form's prompts is sent. @param {string} tab */
function sent(tab) {
    for (const name of PROMPTS) {
        typed.delete(`${tab}_${name}`);
        before.set(`${tab}_${name}`, box(`${tab}_${name}`)?.value ?? "");
    }
}

export function startLeaving() {
    document.addEventListener("focusin", ({ target }) => {
        const id = promptOf(target);
        if (id && !typed.has(id)) before.set(id, box(id)?.value ?? "");
    });
    document.addEventListener("input", ({ target }) => {
        const id = promptOf(target);
        if (id && !typed.has(id)) typed.set(id, before.get(id) ?? "");
    });
    document.addEventListener("click", ({ target }) => {
        for (const tab of TABS) if (target instanceof Element && target.closest(`#${tab}_generate`)) sent(tab);
    }, true);
    addEventListener("beforeunload", (event) => {
        if (setting("confirm_unload", false) && (unsent() || open().some(mine))) event.preventDefault();
    });
}
