// @ts-check
// Settings out of a file: ours or A1111's config.json. What it would change is shown before anything is taken.
import { element } from "./dom.js";
import { say } from "./notices.js";
import { call } from "./server.js";
import { words } from "./settings_changes.js";

const LARGEST = 4 * 1024 * 1024;

/**
 * Read a file, show what it would change, and let a person decide.
 * @param {File} file @param {Map<string, {field: any, page: any}>} fields @param {Record<string, any>} saved
 * @param {boolean} here whether this browser is on the program's machine
 * @returns {Promise<Record<string, any> | undefined>} the values to take; undefined if none are to be taken
 */
export async function importFile(file, fields, saved, here) {
    const values = file.size > LARGEST ? undefined : await file.text().then(JSON.parse).catch(() => undefined);
    if (!values || typeof values !== "object" || Array.isArray(values)) {
        say(`${file.name} holds no settings.`, "Take a file of Export, or A1111's config.json.");
        return undefined;
    }
    const found = await call("webui/settings/import", { json: { values } });
    if (!found) return undefined;
    const elsewhere = Object.keys(found.taken).filter((key) => fields.get(key)?.field.local && !here);
    const taken = Object.fromEntries(Object.entries(found.taken).filter(([key]) => !elsewhere.includes(key)));
    const yes = await asked(report(file.name, { ...found, taken, elsewhere }, fields, saved), Object.keys(taken).length);
    return yes ? taken : undefined;
}

/** @param {string} name @param {any} found @param {Map<string, {field: any, page: any}>} fields @param {Record<string, any>} saved */
function report(name, found, fields, saved) {
    const rows = Object.entries(found.taken).map(([key, value]) => element("tr", {},
        element("td", { title: key }, fields.get(key)?.field.label ?? key),
        ...[saved[key], value].map((one) => element("td", { class: "value", translate: false }, words(one)))));
    const wrong = Object.values(found.wrong);
    const counts = [`${rows.length} would change`, `${found.same} are the same already`];
    return [
        element("h2", { id: "settings-import-title" }, "Import settings"),
        element("p", { class: "quiet", translate: false }, name),
        element("p", {}, counts.join(", ")),
        rows.length > 0 && element("div", { class: "import-table" }, element("table", {}, element("thead", {}, element("tr", {},
            ...["Setting", "Now", "In the file"].map((text) => element("th", { scope: "col" }, text)))), element("tbody", {}, ...rows))),
        wrong.length > 0 && more(wrong.length === 1 ? "1 value cannot be taken" : `${wrong.length} values cannot be taken`, wrong, true),
        found.elsewhere.length > 0 && more("Only on the machine that the program runs on",
            found.elsewhere.map((/** @type {string} */ key) => fields.get(key)?.field.label ?? key), true),
        found.without_effect.length > 0 && more(found.without_effect.length === 1 ? "1 of A1111's settings means nothing here"
            : `${found.without_effect.length} of A1111's settings mean nothing here`, found.without_effect),
        found.unknown.length > 0 && more(found.unknown.length === 1 ? "1 is not known, as those of extensions are not"
            : `${found.unknown.length} are not known, such as those of extensions`, found.unknown),
    ];
}

/** @param {string} title @param {string[]} lines @param {boolean} [open] */
const more = (title, lines, open = false) => element("details", { open }, element("summary", {}, title),
    element("ul", { translate: false }, ...lines.map((line) => element("li", {}, line))));

/** @param {any[]} content @param {number} count @returns {Promise<boolean>} */
function asked(content, count) {
    return new Promise((resolve) => {
        const close = (/** @type {boolean} */ yes) => {
            dialog.close();
            dialog.remove();
            resolve(yes);
        };
        const take = element("button", { type: "button", class: "primary", disabled: !count, onclick: () => close(true) }, "Take over");
        const look = { class: "webui settings-import", "aria-labelledby": "settings-import-title" };
        const dialog = element("dialog", { ...look, oncancel: () => close(false) }, ...content,
            element("p", { class: "quiet" }, "What is taken over counts as a change until it is applied."),
            element("div", { class: "toolbar end" }, element("button", { type: "button", onclick: () => close(false) }, "Cancel"), take));
        document.body.append(dialog);
        dialog.showModal();
        (count ? take : dialog).focus();
    });
}
