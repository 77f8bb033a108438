// @ts-check
// Below the setting "Logo": a picture of one's own is chosen, kept by the program, and taken away again. Both act at once.
import { renewLogo } from "./brand.js";
import { element } from "./dom.js";
import { call } from "./server.js";
import { applied } from "./settings_values.js";

const KEY = "page_logo";
const TYPES = "image/png,image/jpeg,image/webp,image/gif,image/avif";

/** @param {"None" | "Own picture"} value */
async function keep(value) {
    const answer = await call("webui/settings", { json: { values: { [KEY]: value } } });
    if (answer) applied(answer.values, answer.changed);
}

/** @param {import("./options.js").OptionsForm} form one that may have the setting */
export function offerLogo(form) {
    const row = form.rows.get(KEY);
    if (!row) return;
    const said = element("span", { class: "quiet", role: "status" });
    const file = element("input", {
        type: "file", accept: TYPES, hidden: true, "aria-label": "Picture for the logo",
        onchange: async () => {
            const [picture] = file.files ?? [];
            if (picture && (await call("webui/logo", { body: picture }))) {
                await keep("Own picture");
                renewLogo();
                said.textContent = "The picture is kept.";
            }
            file.value = "";
        },
    });
    const remove = async () => {
        if (row.control.read() === "Own picture") await keep("None"); // first: nothing asks for it any more
        if (await call("webui/logo", { method: "DELETE" })) said.textContent = "The picture is gone.";
    };
    row.element.append(element("div", { class: "toolbar logo-field" },
        element("button", { type: "button", onclick: () => file.click() }, "Choose a picture"),
        element("button", { type: "button", onclick: remove }, "Remove it"), file, said));
}
