// @ts-check
// The one field for a link or words, and what the sites have.
import { element, tool } from "./dom.js";
import { ask } from "./jobs.js";
import { call } from "./server.js";
import { short, sizeOf } from "./models_words.js";

const TOKENS = "Some files are only given to people who are logged in. A token, made in the site's account settings, says who you are.";
const PICKLE = "It could hold programs. It is read as data only, and refused if that cannot be done.";

export class Search {
    more = "";
    asked = 0;

    /** @param {any} owner the <webui-models> */
    constructor(owner) {
        this.owner = owner;
        this.field = element("input", { type: "search", class: "grow", placeholder: "Link or words", "aria-label": "Link or words",
            title: "A link to Hugging Face, Civitai or a file, owner/name, a file's hash, or words to search for" });
        this.site = element("select", { "aria-label": "Site to search", translate: false },
            element("option", { value: "civitai" }, "Civitai"), element("option", { value: "huggingface" }, "Hugging Face"));
        this.kind = element("select", { "aria-label": "Kind to search for" });
        this.status = element("div", { class: "models-said", role: "status" });
        this.results = element("ul", { class: "models-found" });
        this.further = element("button", { type: "button", hidden: true, onclick: () => this.find({ further: true }) }, "Show more");
        const form = element("form", { class: "toolbar",
            onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.find(); } },
            element("h2", {}, "Get models"), this.field, this.site, this.kind,
                element("button", { type: "submit", class: "primary" }, "Find"),
            tool("key", "Tokens for the sites", () => this.tokens()));
        this.close = element("button", { type: "button", hidden: true, onclick: () => this.clear() }, "Close the results");
        this.element = element("div", {}, form, this.status, this.results,
            element("div", { class: "toolbar models-answers" }, this.further, this.close));
    }

    /** The listing is there: the kinds can be chosen from. */
    take() {
        if (this.kind.options.length) return;
        const kinds = this.owner.listing.shelves.filter((/** @type {any} */ shelf) => !["caption", "preview", "face"].includes(shelf.kind));
        this.kind.replaceChildren(element("option", { value: "" }, "Any kind"),
            ...kinds.map((/** @type {any} */ shelf) => element("option", { value: shelf.kind }, shelf.label)));
        const refused = "Models are only fetched from the machine that the program runs on, or after a login.";
        if (!this.owner.listing.may_change) this.say(refused);
    }

    clear() {
        this.asked += 1;
        this.results.replaceChildren();
        this.status.replaceChildren();
        this.further.hidden = this.close.hidden = true;
    }

    /** @param {string} text @param {string} [hint] @param {string} [classes] */
    say(text, hint = "", classes = "quiet") {
        this.status.replaceChildren(element("p", { class: classes }, text), hint ? element("p", { class: "quiet" }, hint) : "");
    }

    /** @param {{further?: boolean}} [how] */
    async find({ further = false } = {}) {
        const turn = ++this.asked;
        if (!further) this.results.replaceChildren();
        this.further.hidden = true;
        this.close.hidden = false;
        this.say("Looking");
        const answer = await this.look({ text: this.field.value, site: this.site.value, kind: this.kind.value,
            more: further ? this.more : "" });
        if (turn !== this.asked || !answer) return;
        this.results.append(...answer.found.map((/** @type {any} */ found) => this.card(found)));
        this.more = answer.more;
        this.further.hidden = !answer.more;
        const count = this.results.children.length;
        this.say(count ? `${count} found` : "Nothing was found.",
            answer.hidden ? `${answer.hidden} rated mature are not shown; a setting shows them.` : "");
    }

    /** What the program finds; what went wrong is said here, not in the corner. @param {Record<string, string>} asked */
    async look(asked) {
        const turn = this.asked;
        const answer = await ask("webui/models/find",
            { method: "POST", body: JSON.stringify(asked), headers: { "Content-Type": "application/json" } });
        const value = await answer?.json().catch(() => undefined);
        if (answer?.ok && !value?.problem) return value;
        if (turn !== this.asked) return undefined;
        const text = value?.problem ?? (typeof value?.detail === "string" ? value.detail : "The program does not answer.");
        this.say(text, value?.hint ?? String(value?.errors ?? "").replace(text, "").trim(), "wrong");
        return undefined;
    }

    /** @param {any} found */
    card(found) {
        const picture = found.has_picture ? element("img",
            { src: `webui/models/found/${found.key}/picture`, alt: "", loading: "lazy", onerror: () => picture.remove() }) : null;
        const chips = [found.kind && this.owner.label(found.kind), found.family, found.mature && "Mature", found.gated
            && "Needs a login"].filter(Boolean);
        const files = element("ul", { class: "models-offers" });
        const card = element("li", {}, element("div", { class: "models-picture" }, picture), element("div", { class: "grow" },
            element("div", { class: "models-names" },
                found.page ? element("a", { href: found.page, target: "_blank", rel: "noopener noreferrer", translate: false },
                    found.title) : element("strong", { translate: false }, found.title),
                found.version && element("span", { translate: false }, found.version), found.creator
                    && element("small", { translate: false }, found.creator),
                ...chips.map((text) => element("span", { class: "chip" }, text)), found.downloads !== null
                    && element("small", {}, `${short(found.downloads)} downloads`)),
            found.summary && element("p", { class: "models-summary", translate: false }, found.summary),
            found.words && element("p", { class: "quiet" }, element("span", {}, "Trigger words:"), " ",
                element("span", { translate: false }, found.words)),
            element("p", { class: "quiet" }, ...found.terms.flatMap((/** @type {string} */ term) => [element("span", {}, term), " "])),
                files));
        if (found.offers) this.fill(files, found.offers);
        else files.append(element("li", {}, element("button", { type: "button", onclick: () => this.open(files, found) },
            "Show its files")));
        return card;
    }

    /** A model whose files are not known yet. @param {HTMLElement} files @param {any} found */
    async open(files, found) {
        files.replaceChildren(element("li", { class: "quiet" }, "Looking"));
        const answer = await this.look({ text: found.link });
        if (answer) this.fill(files, answer.found[0]?.offers ?? []);
        else files.replaceChildren(element("li", {},
            element("button", { type: "button", onclick: () => this.open(files, found) }, "Show its files")));
    }

    /** @param {HTMLElement} files @param {any[]} offers */
    fill(files, offers) {
        files.replaceChildren(...offers.map((offer) => this.offer(offer)));
        if (!offers.length) files.append(element("li", { class: "quiet" }, "It has no file that can be used here."));
    }

    /** @param {any} offer */
    offer(offer) {
        const kinds = this.owner.listing.shelves.map((/** @type {any} */ shelf) => element("option", { value: shelf.kind }, shelf.label));
        const kind = element("select", { "aria-label": `Kind of ${offer.name}` }, element("option", { value: "" }, "Choose its kind"),
            ...kinds);
        kind.value = offer.kind || this.kind.value;
        const get = element("button", { type: "button", class: "primary", disabled: !this.owner.listing.may_change,
            "aria-label": `Download ${offer.name}` }, "Download");
        get.onclick = async () => {
            if (!kind.value) return kind.focus();
            get.disabled = true;
            get.textContent = "Is fetched";
            const answer = await call("webui/models/downloads", { json: { key: offer.key, kind: kind.value } });
            if (!answer) [get.disabled, get.textContent] = [false, "Download"];
            await this.owner.look();
        };
        return element("li", {}, element("div", { class: "grow" }, element("span", { translate: false, class: "models-file" }, offer.name),
            element("small", {}, [sizeOf(offer.size), offer.note].filter(Boolean).join(" · ")),
            offer.pickled && element("small", { class: "wrong" }, PICKLE),
            offer.here && element("small", {}, "You have this file:", " "), offer.here
                && element("small", { translate: false }, offer.here)), kind, get);
    }

    /** The tokens by which the sites know a person: set and forgotten here, never shown. */
    async tokens() {
        const known = await call("webui/models/tokens");
        if (!known) return;
        const dialog = element("dialog", { class: "webui models-tokens", "aria-label": "Tokens", onclose: () => dialog.remove() });
        const line = (/** @type {string} */ site, /** @type {string} */ name) => {
            const field = element("input", { type: "password", autocomplete: "off", class: "grow",
                placeholder: known[site] ? "A token is set" : "No token is set", "aria-label": `Token for ${name}` });
            const save = async () => {
                const answer = await call("webui/models/tokens", { json: { site, token: field.value } });
                if (!answer) return;
                field.value = "";
                field.placeholder = answer[site] ? "A token is set" : "No token is set";
            };
            return element("form", { class: "toolbar", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); save(); } },
                element("span", { class: "models-site", translate: false }, name), field,
                    element("button", { type: "submit", "aria-label": `Save the token for ${name}` }, "Save"));
        };
        dialog.append(element("div", { class: "toolbar" }, element("h2", { class: "grow" }, "Tokens"),
            tool("close", "Close", () => dialog.close())),
            element("p", { class: "quiet" }, TOKENS),
            line("civitai", "Civitai"), line("huggingface", "Hugging Face"),
            element("p", { class: "quiet" }, "It is kept on this machine and sent to that site alone. Save an empty field to forget it."));
        document.body.append(dialog);
        dialog.showModal();
    }
}
