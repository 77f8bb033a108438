// @ts-check
// Split view: the pictures stand beside the prompts too, where there is room. How much stands above the form, the style sheet learns here.
import { heeded } from "./live_settings.js";
import { setting } from "./page_settings.js";

const TABS = ["txt2img", "img2img"];
const LEAST = 900; // pixels that the page must have between its sidebars

/** Follow the setting and the room that there is. */
function follow() {
    const room = document.getElementById("tabs")?.getBoundingClientRect().width ?? 0;
    document.body.classList.toggle("split-view", setting("split_preview", false) && room >= LEAST);
}

/** Measure a tab once it is there, and again whenever what stands above its form changes. @param {string} tab */
function measure(tab) {
    const [top, panels] = [document.getElementById(`${tab}_toprow`), document.getElementById(`${tab}_panels`)];
    if (!top || !panels) return false;
    const look = () => {
        const above = panels.getBoundingClientRect().top - top.getBoundingClientRect().top;
        if (above > 0) panels.style.setProperty("--above", `${Math.round(above)}px`);
    };
    const sight = new ResizeObserver(look);
    for (const each of [top, panels, document.getElementById(`${tab}_presets`)]) if (each) sight.observe(each);
    return true;
}

export function startSplitView() {
    const missing = new Set(TABS);
    const look = () => {
        for (const tab of missing) if (measure(tab)) missing.delete(tab); // a tab is built when it is first opened
        if (!missing.size) observer.disconnect();
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true });
    look();
    const tabs = document.getElementById("tabs");
    if (tabs) new ResizeObserver(follow).observe(tabs);
    heeded.addEventListener("change", follow);
}
