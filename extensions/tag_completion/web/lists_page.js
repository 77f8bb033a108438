// @ts-check
// The page in the Tools tab: which lists are read, what is wrong with them, and which tags are used often.
import { call, element } from "easel/extension.js";

const ROOT = "webui/extensions/tag_completion";

export class ListsPage extends HTMLElement {
    connectedCallback() {
        this.classList.add("webui");
        if (this.built) return;
        this.built = true;
        this.body = element("div");
        this.append(this.body);
        this.addEventListener("shown", () => this.load());
        this.load();
    }

    async load() {
        const found = await call(`${ROOT}/lists`);
        if (!found || !this.body) return;
        this.body.replaceChildren(
            element("p", { class: "quiet" }, "Put tag lists, translations and chants into this folder; they are read at once:"),
            element("p", {}, element("code", { translate: "no" }, found.folder)),
            element("h2", {}, "Lists"), this.lists(found.sources),
            element("div", { class: "toolbar" }, element("button", { type: "button", onclick: () => this.load() }, "Look again")),
            element("h2", {}, "Tags that you use"), this.used(found.used));
    }

    /** @param {{name: string, kind: string, rows: number, left_out: number, problem: string}[]} sources */
    lists(sources) {
        const head = ["File", "What it is", "Lines", "Left out"].map((words) => element("th", { scope: "col" }, words));
        const kinds = /** @type {Record<string, string>} */ ({ tags: "Tags", translation: "Translation", chants: "Chants" });
        return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...sources.map((source) =>
            element("tr", {}, element("td", { translate: source.name.includes(".") ? "no" : "yes" }, source.name), element("td", {}, kinds[source.kind]),
                source.problem ? element("td", { colSpan: 2, class: "wrong" }, source.problem) : element("td", {}, source.rows),
                source.problem ? null : element("td", {}, source.left_out)))));
    }

    /** @param {{name: string, uses: number, negative: number}[]} used */
    used(used) {
        if (!used.length) return element("p", { class: "quiet" }, "None yet. What you take from the list is counted, on this machine only.");
        const rows = used.slice(0, 200).map(({ name, uses, negative }) => element("tr", {}, element("td", { translate: "no" }, name), element("td", {}, uses),
            element("td", {}, negative), element("td", {}, element("button", { type: "button", "aria-label": `Forget ${name}`, onclick: () => this.forget(name) }, "Forget"))));
        const head = ["Tag", "Uses", "In negative prompts", ""].map((words) => element("th", { scope: "col" }, words));
        return element("div", {}, element("div", { class: "toolbar" }, element("button", { type: "button", onclick: () => this.forget(null) }, "Forget all")),
            element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)));
    }

    /** @param {string | null} name */
    async forget(name) {
        await call(`${ROOT}/forget`, { json: { name } });
        await this.load();
    }
}
