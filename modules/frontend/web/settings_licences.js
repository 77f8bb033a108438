// @ts-check
// The page Licences of the Settings tab: what is installed, from the packages' own metadata.
import { element } from "./dom.js";
import { call } from "./server.js";

export class LicencesPage {
    constructor() {
        this.body = element("tbody", { translate: false });
        const shown = () => this.load();
        this.element = element("section", { hidden: true, id: "settings_licences", dataset: { page: "licences" }, onshown: shown },
            element("header", {}, element("h2", {}, "Licences")),
            element("p", { class: "quiet" }, "Easel is free software under the Apache License 2.0. It stands on these packages."),
            element("table", {}, element("thead", {}, element("tr", {},
                ...["Package", "Version", "Licence"].map((text) => element("th", { scope: "col" }, text)))), this.body));
    }

    async load() {
        if (this.body.childElementCount) return;
        const rows = await call("webui/maintenance/licences");
        this.body.replaceChildren(...(rows ?? []).map((/** @type {any} */ row) => element("tr", {},
            element("td", {}, row.address ? element("a", { href: row.address, target: "_blank", rel: "noreferrer" }, row.name) : row.name),
            element("td", {}, row.version), element("td", {}, row.licence || "not stated"))));
    }
}
