// @ts-check
// What the settings say of the page's looks: which tabs there are and in which order, and which fields.
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
    const sheet = document.createElement("style");
    sheet.textContent = rules.join("\n");
    document.head.append(sheet);
}

/** What a person sees at once when the setting is applied. */
export function showLooks() {
    document.body.classList.toggle("less-movement", setting("less_movement", false));
    document.body.classList.toggle("no-footer", setting("hide_footer", false));
}

export function startLooks() {
    arrangeTabs();
    showLooks();
    document.body.classList.toggle("hires-sampler", setting("hires_fix_show_sampler", false));
    document.body.classList.toggle("hires-prompts", setting("hires_fix_show_prompts", false));
    document.body.classList.toggle("compact-prompts", setting("compact_prompt_box", false));
    document.body.classList.toggle("no-counters", setting("disable_token_counters", false));
    const height = setting("gallery_height", "");
    if (height && CSS.supports("height", height)) document.documentElement.style.setProperty("--gallery", height);
    document.documentElement.style.setProperty("--editor", `${setting("img2img_editor_height", 720)}px`);
}
