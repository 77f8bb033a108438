// @ts-check
// Which folders the history lists: the program's own, and further ones such as another program's outputs.
import { element } from "./dom.js";
import { call } from "./server.js";

const WORDS = "All pictures below these folders are listed. Nothing in them is changed, but for what you delete: "
    + "that goes to a hidden folder in the same place.";

/**
 * Show the folders; they can be changed on the program's own machine.
 * @param {any} state of the list
 * @param {{folders: string[], here: boolean}} added
 */
export function showFolders(state, added) {
    const box = element("textarea", {
        rows: 4, value: added.folders.join("\n"), disabled: !added.here, "aria-label": "Further folders, one on each line",
        placeholder: "/pictures/stable-diffusion-webui/outputs", translate: false,
    });
    const save = async () => {
        const saved = await call("webui/history/folders", { json: { folders: box.value.split("\n") } });
        if (!saved) return;
        added.folders = saved.folders;
        dialog.close();
    };
    const own = state.folders.map((/** @type {string} */ folder) => element("li", { translate: false }, folder));
    const lost = state.unreachable.map((/** @type {string} */ folder) => element("li", { translate: false }, folder));
    const dialog = element("dialog", { class: "webui history-folders", "aria-label": "Folders", onclose: () => dialog.remove() },
        element("h2", {}, "Folders"),
        element("p", { class: "quiet" }, WORDS),
        element("ul", {}, ...own),
        lost.length ? element("p", { class: "wrong" }, "These cannot be reached at the moment:") : null,
        lost.length ? element("ul", {}, ...lost) : null,
        element("label", { class: "history-further" }, element("span", {}, "Further folders, one on each line"), box),
        added.here ? null : element("p", { class: "quiet" }, "Folders can be added on the machine that the program runs on only."),
        element("div", { class: "toolbar" }, element("span", { class: "grow" }),
            element("button", { type: "button", onclick: () => dialog.close() }, "Close"),
            added.here ? element("button", { type: "button", class: "primary", onclick: save }, "Save and look") : null));
    document.body.append(dialog);
    dialog.showModal();
}
