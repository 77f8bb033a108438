// @ts-check
// The logo and the title in the row on top, and the icon of the browser's tab.
import { element } from "./dom.js";
import { heeded } from "./live_settings.js";
import { setting } from "./page_settings.js";

const KEYS = ["page_logo", "page_title", "page_title_shown"];
const ICON = new URL("icon.svg", import.meta.url).href;
let version = Date.now(); // another picture has another address

/** A picture of one's own was sent up, or taken away. */
export function renewLogo() {
    version = Date.now();
    document.dispatchEvent(new CustomEvent("webui-logo"));
}

/** @returns {string} where the logo is; "" without one */
export function logoAddress() {
    const kind = setting("page_logo", "None");
    return kind === "Own picture" ? new URL(`webui/logo?v=${version}`, document.baseURI).href : kind === "Easel" ? ICON : "";
}

/** @returns {string} what a person calls the page */
export const brandName = () => setting("page_title", "").trim() || "Easel";

/** `<webui-brand>`: nothing, unless the settings ask for it. */
class Brand extends HTMLElement {
    connectedCallback() {
        this.draw = () => this.show();
        this.told = (/** @type {any} */ event) => KEYS.some((key) => event.detail.includes(key)) && this.show();
        heeded.addEventListener("change", this.told);
        document.addEventListener("webui-logo", this.draw);
        this.show();
    }

    disconnectedCallback() {
        heeded.removeEventListener("change", /** @type {any} */ (this.told));
        document.removeEventListener("webui-logo", /** @type {any} */ (this.draw));
    }

    show() {
        const address = logoAddress();
        const logo = address && element("img", { src: address, alt: "", onerror: () => logo.remove() }); // the title beside it says it all
        const title = setting("page_title_shown", false) && element("span", { translate: "no" }, brandName());
        this.replaceChildren(...[logo, title].filter(Boolean));
        document.body.classList.toggle("branded", Boolean(logo || title));
        const icon = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=icon]"));
        if (icon) icon.href = setting("page_logo", "None") === "Own picture" ? address : ICON;
    }
}

customElements.define("webui-brand", Brand);
