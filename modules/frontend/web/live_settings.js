// @ts-check
// Settings that the page heeds without being loaded again: known anew when they are applied, here or in another tab.
import { changes, settings } from "./settings_values.js";

/** By A1111's keys; the program says of all others that the page is to be loaded again (modules/server/settings.py, LIVE). */
const LIVE = ["sidebar_models", "sidebar_prompt", "less_movement", "hide_footer", "page_title", "page_title_shown", "page_logo",
    "page_greys", "split_preview", "prompt_box", "prompt_highlight", "confirm_unload", "extra_networks_card_width", "gradio_theme", "accent_color",
    "compact_prompt_box", "hires_fix_show_sampler", "hires_fix_show_prompts", "gallery_height", "img2img_editor_height", "ui_tab_order",
    "hidden_tabs"];

/** Dispatches "change" with the keys as its detail, once `setting` gives their new values. */
export const heeded = new EventTarget();

export function startLiveSettings() {
    changes.addEventListener("change", async (event) => {
        const changed = LIVE.filter((key) => /** @type {CustomEvent} */ (event).detail.includes(key));
        if (!changed.length) return;
        const values = await settings();
        const known = /** @type {any} */ (window).webuiSettings;
        for (const key of changed) known[key] = values[key];
        heeded.dispatchEvent(new CustomEvent("change", { detail: changed }));
    });
}
