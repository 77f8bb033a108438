// @ts-check
// What the settings say of the page's looks: which tabs there are and in which order, and which fields.
import { heeded, startLiveSettings } from "./live_settings.js";
import { setting } from "./page_settings.js";

const TABS = ["txt2img", "img2img", "inpaint", "extras", "pnginfo", "modelmerger", "train", "models", "history", "queue",
    "tools", "settings", "extensions"];

/** A tab's id by its title or its id. @param {string} name */
const idOf = (name) => {
    const plain = name.toLowerCase().replace(/[^a-z0-9]/g, "");
    const ids = /** @type {Record<string, string>} */ ({ checkpointmerger: "modelmerger" });
    return ids[plain] ?? plain;
};

/** Show the tabs in their order, without those that are hidden; the Settings tab cannot be hidden. */
function arrangeTabs() {
    const hidden = new Set(setting("hidden_tabs", /** @type {string[]} */ ([])).map(idOf));
    const first = setting("ui_tab_order", /** @type {string[]} */ ([])).map(idOf);
    hidden.delete("settings");
    const rules = TABS.map((id, place) => {
        const order = first.includes(id) ? first.indexOf(id) - first.length : place;
        return `#tab_${id}-button { order: ${order}; ${hidden.has(id) ? "display: none;" : ""} }`;
    });
    sheet.textContent = rules.join("\n");
    if (!sheet.isConnected) document.head.append(sheet);
}
const sheet = document.createElement("style");

/** What a person sees at once when a setting is applied. */
function showLooks() {
    arrangeTabs();
    const { classList } = document.body;
    classList.toggle("less-movement", setting("less_movement", false));
    classList.toggle("no-footer", setting("hide_footer", false));
    classList.toggle("prompts-scroll", setting("prompt_box", "Grow") === "Scroll");
    classList.toggle("hires-sampler", setting("hires_fix_show_sampler", false));
    classList.toggle("hires-prompts", setting("hires_fix_show_prompts", false));
    classList.toggle("compact-prompts", setting("compact_prompt_box", false));
    const { style } = document.documentElement;
    const height = setting("gallery_height", "");
    if (height && CSS.supports("height", height)) style.setProperty("--gallery", height);
    else style.removeProperty("--gallery");
    style.setProperty("--editor", `${setting("img2img_editor_height", 720)}px`);
}

export function startLooks() {
    startLiveSettings();
    showLooks();
    document.body.classList.toggle("no-counters", setting("disable_token_counters", false));
    heeded.addEventListener("change", (event) => {
        const keys = /** @type {CustomEvent} */ (event).detail;
        showLooks();
        if (keys.includes("gradio_theme")) /** @type {any} */ (window).webuiTheme.follow();
        else if (keys.includes("accent_color") || keys.includes("page_greys")) /** @type {any} */ (window).webuiTheme.show();
    });
}
