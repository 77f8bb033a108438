// @ts-check
// The page's own part in the browser. What Gradio's events call stands in `window.webui`; this module runs before Gradio starts.
import * as actions from "./actions.js";
import { startComforts } from "./comforts.js";
import { startExtensions } from "./extension_loader.js";
import * as fields from "./fields.js";
import * as forms from "./forms.js";
import * as jobs from "./jobs.js";
import { startKeyboard } from "./keyboard.js";
import { owner } from "./owner.js";
import * as progress from "./progress.js";
import * as notices from "./notices.js";
import * as prompt from "./prompt.js";
import { tidy } from "./prompt_tidy.js";
import { startLocalization } from "./localize.js";
import { startLooks } from "./looks.js";
import { startParts } from "./parts.js";
import * as results from "./results.js";
import { share } from "./share_door.js";
import "./sizes.js";
import "./tokens.js";

const theme = /** @type {any} */ (window).webuiTheme;
/** @type {any} */ (window).webui = {
    ...actions, fields, forms, jobs, notices, owner, prompt: { ...prompt, tidy }, results: { ...results, share }, theme,
};

/** Tool buttons show an icon only: their text, which a screen reader says, becomes the tooltip. */
function nameTools() {
    for (const button of document.querySelectorAll("button.tool:not([title])")) {
        const name = button.textContent?.trim() ?? "";
        button.setAttribute("title", name);
        button.setAttribute("aria-label", name);
    }
}

/** @param {string} selector @returns {Promise<Element>} once it is in the page */
function appeared(selector) {
    return new Promise((resolve) => {
        const look = () => {
            const found = document.querySelector(selector);
            if (found) {
                observer.disconnect();
                resolve(found);
            }
        };
        const observer = new MutationObserver(look);
        observer.observe(document.documentElement, { childList: true, subtree: true });
        look();
    });
}

async function start() {
    startLocalization();
    startParts();
    startLooks();
    startExtensions();
    await appeared("#txt2img_generate");
    nameTools();
    new MutationObserver(nameTools).observe(document.body, { childList: true, subtree: true });
    theme.show();
    startKeyboard();
    forms.startForms();
    prompt.startDrops();
    progress.startTitle();
    await jobs.start();
    startComforts();
    await results.restore();
    document.body.dataset.webui = "ready";
    dispatchEvent(new Event("webui-ready"));
}

start();
