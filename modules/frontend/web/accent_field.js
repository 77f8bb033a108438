// @ts-check
// Below the setting "Accent colour": some colours to choose from at once. Any other is as good; the page makes each readable (theme.js).
import { element } from "./dom.js";

const KEY = "accent_color";
/** @type {[string, string][]} */
const COLORS = [
    ["Orange", "#c2410c"], ["Red", "#b91c1c"], ["Pink", "#be185d"], ["Violet", "#7e22ce"], ["Blue", "#1d4ed8"], ["Teal", "#0f766e"],
    ["Green", "#15803d"], ["Grey", "#52525b"],
];

/** @param {import("./options.js").OptionsForm} form one that may have the setting */
export function offerColors(form) {
    const row = form.rows.get(KEY);
    row?.element.append(element("div", { class: "toolbar swatches" }, ...COLORS.map(([name, color]) => element("button", {
        type: "button", class: "plain", title: name, "aria-label": name, style: { background: color },
        onclick: () => {
            row.control.write(color);
            form.edited(KEY);
        },
    }))));
}
