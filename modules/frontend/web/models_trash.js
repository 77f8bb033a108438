// @ts-check
// What was thrown away: taken back, or deleted for good.
import { element, tool } from "./dom.js";
import { call } from "./server.js";
import { dayOf, sizeOf } from "./models_words.js";

/** @param {any} owner the <webui-models> */
export function showTrash(owner) {
    const dialog = element("dialog", { class: "webui models-trash", "aria-label": "Trash", onclose: () => dialog.remove() });
    const fill = () => {
        const { trash, may_change: may } = owner.listing;
        const size = trash.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.size, 0);
        const act = async (/** @type {string} */ path, /** @type {string} */ method) => {
            if (await call(`webui/models/trash${path}`, { method })) await owner.refresh({ force: true });
            fill();
        };
        const rows = trash.map((/** @type {any} */ one) => element("li", {},
            element("div", { class: "grow" }, element("span", { translate: false }, `${one.folder}/${one.name}`),
                element("small", {}, `${sizeOf(one.size)}, thrown away ${dayOf(one.thrown)}`)),
            element("button", { type: "button", disabled: !may, "aria-label": `Put ${one.name} back`,
                onclick: () => act(`/${one.id}/restore`, "POST") }, "Put back"),
            tool("clear", `Delete ${one.name} for good`, () => act(`/${one.id}`, "DELETE"), { disabled: !may })));
        dialog.replaceChildren(
            element("div", { class: "toolbar" }, element("h2", {}, "Trash"),
                element("span", { class: "grow quiet" }, trash.length ? `${trash.length} files, ${sizeOf(size)}` : ""),
                element("button", { type: "button", disabled: !may || !trash.length,
                    onclick: async () => { if (await askToEmpty(owner)) fill(); } }, "Empty the trash"),
                tool("close", "Close", () => dialog.close())),
            trash.length ? element("ul", {}, ...rows) : element("p", { class: "empty" }, "The trash is empty."));
    };
    fill();
    document.body.append(dialog);
    dialog.showModal();
}

/** Delete all that is in the trash, after asking. @param {any} owner @returns {Promise<boolean>} */
export function askToEmpty(owner) {
    const { trash } = owner.listing;
    const size = trash.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.size, 0);
    return new Promise((resolve) => {
        const dialog = element("dialog", { class: "webui", "aria-label": "Empty the trash",
            onclose: () => { dialog.remove(); resolve(dialog.returnValue === "yes"); } });
        const empty = async () => {
            if (await call("webui/models/trash", { method: "DELETE" })) await owner.refresh({ force: true });
            dialog.close("yes");
        };
        dialog.append(element("p", {}, `${trash.length} files are deleted for good, and ${sizeOf(size)} become free.`),
            element("div", { class: "toolbar models-answers" },
                element("button", { type: "button", class: "primary", onclick: empty }, "Delete them"),
                element("button", { type: "button", onclick: () => dialog.close("") }, "Keep them")));
        document.body.append(dialog);
        dialog.showModal();
    });
}
