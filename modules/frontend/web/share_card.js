// @ts-check
// A card to share: the picture with its prompt, its settings and the page's logo. Drawn here, by the browser; nothing is sent anywhere.
import { brandName, logoAddress } from "./brand.js";
import { element } from "./dom.js";
import { say } from "./notices.js";
import { setting } from "./page_settings.js";
import { laidOut, partsOf } from "./share_layout.js";

/** @typedef {import("./share_layout.js").Card} Card */
/** @typedef {{width: number, height: number, image: HTMLImageElement, data: string}} Loaded `data`: its bytes as an address */

const SVG = "http://www.w3.org/2000/svg";
const KEPT = "webui-share";
const QUALITY = 0.92; // of JPEG and WebP
/** The ends of files' names -> their media types. @type {Record<string, string>} */
const FORMATS = { png: "image/png", jpg: "image/jpeg", webp: "image/webp", svg: "image/svg+xml" };
/** @type {[string, string][]} */
const CHOICES = [["prompt", "Prompt"], ["negative", "Negative prompt"], ["settings", "Settings"], ["brand", "Logo and title"]];
/** Characters that XML cannot hold. */
const NO_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

const FONT = getComputedStyle(document.documentElement).getPropertyValue("--font") || "sans-serif";
const pen = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
/** @param {string} words @param {number} size @param {number} weight */
function measure(words, size, weight) {
    pen.font = `${weight} ${size}px ${FONT}`;
    return pen.measureText(words).width;
}

/** @param {string} address @returns {Promise<Loaded | undefined>} */
async function loaded(address) {
    const answer = address ? await fetch(address).catch(() => undefined) : undefined;
    if (!answer?.ok) return undefined;
    const blob = await answer.blob();
    const data = await new Promise((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(String(reader.result));
        reader.readAsDataURL(blob);
    });
    const image = new Image();
    image.src = data;
    if (!(await image.decode().then(() => true, () => false))) return undefined;
    return { width: image.naturalWidth || 32, height: image.naturalHeight || 32, image, data };
}

/** @param {Card} card @param {{picture: Loaded, logo?: Loaded}} pictures @param {HTMLCanvasElement} canvas */
function draw(card, pictures, canvas) {
    canvas.width = card.width;
    canvas.height = card.height;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.imageSmoothingQuality = "high";
    for (const item of card.items) {
        if (item.kind === "picture") {
            const found = pictures[item.which];
            if (found) context.drawImage(found.image, item.x, item.y, item.width, item.height);
            continue;
        }
        context.fillStyle = item.color;
        if (item.kind === "fill") context.fillRect(item.x, item.y, item.width, item.height);
        else {
            context.font = `${item.weight} ${item.size}px ${FONT}`;
            context.fillText(item.words, item.x, item.y);
        }
    }
}

/** @param {Card} card @param {{picture: Loaded, logo?: Loaded}} pictures @returns {Blob} the card with its pictures inside it */
function svgOf(card, pictures) {
    const made = (/** @type {string} */ name, /** @type {Record<string, string | number>} */ values, words = "") => {
        const one = document.createElementNS(SVG, name);
        for (const [key, value] of Object.entries(values)) one.setAttribute(key, String(value));
        one.textContent = words.replace(NO_XML, "");
        return one;
    };
    const root = made("svg", { width: card.width, height: card.height, viewBox: `0 0 ${card.width} ${card.height}` });
    for (const item of card.items) {
        const { x, y } = item;
        if (item.kind === "text") {
            const look = { "font-family": FONT, "font-size": item.size, "font-weight": item.weight, fill: item.color };
            root.append(made("text", { x, y, ...look }, item.words));
            continue;
        }
        const { width, height } = item;
        if (item.kind === "fill") root.append(made("rect", { x, y, width, height, fill: item.color }));
        else root.append(made("image", { x, y, width, height, href: pictures[item.which]?.data ?? "" }));
    }
    return new Blob([new XMLSerializer().serializeToString(root)], { type: "image/svg+xml" });
}

/** The page's colours as they are now. */
function colors() {
    const look = getComputedStyle(document.body);
    const value = (/** @type {string} */ name) => look.getPropertyValue(name).trim();
    return { page: value("--background-fill-primary"), text: value("--body-text-color"), quiet: value("--quiet") };
}

/** The dialog with a card in it. */
class Share {
    /** @type {Loaded | undefined} */
    logo;

    /** @param {import("./lightbox_door.js").Picture} picture @param {Loaded} loaded @param {Loaded | undefined} logo */
    constructor(picture, loaded, logo) {
        this.picture = picture;
        this.loaded = loaded;
        this.logo = logo;
        this.words = partsOf(picture.infotext);
        const kept = this.kept();
        this.canvas = element("canvas", { role: "img", "aria-label": "The card" });
        this.format = element("select", { "aria-label": "File format", onchange: () => this.show() },
            ...Object.keys(FORMATS).map((value) =>
                element("option", { value, selected: value === kept.format, translate: false }, value.toUpperCase())));
        this.boxes = Object.fromEntries(CHOICES.map(([name]) => [name, element("input", {
            type: "checkbox", name, checked: kept[name] ?? true, onchange: () => this.show(),
        })]));
        this.said = element("p", { class: "quiet", role: "status" });
        this.copyButton = element("button", { type: "button", onclick: () => this.copy() }, "Copy");
        this.dialog = element("dialog", { class: "webui share-card", "aria-label": "A card to share", onclose: () => this.dialog.remove() },
            element("h2", {}, "A card to share"),
            element("div", { class: "share-preview" }, this.canvas),
            element("div", { class: "toolbar" },
                ...CHOICES.map(([name, words]) => element("label", { class: "check" }, this.boxes[name], words))),
            element("p", { class: "quiet" }, "It is drawn in this browser and sent nowhere."), this.said,
            element("footer", { class: "toolbar" }, this.format,
                element("button", { type: "button", class: "primary", onclick: () => this.save() }, "Download"), this.copyButton,
                element("button", { type: "button", onclick: () => this.dialog.close() }, "Close")));
    }

    /** @returns {Record<string, any>} what was chosen last */
    kept() {
        try {
            return JSON.parse(localStorage.getItem(KEPT) ?? "{}") ?? {};
        } catch {
            return {};
        }
    }

    open() {
        document.body.append(this.dialog);
        this.dialog.showModal();
        this.show();
    }

    show() {
        const chosen = Object.fromEntries(Object.entries(this.boxes).map(([name, box]) => [name, box.checked]));
        localStorage.setItem(KEPT, JSON.stringify({ ...chosen, format: this.format.value }));
        const taken = (/** @type {"prompt" | "negative" | "settings"} */ part) => (chosen[part] ? this.words[part] : "");
        const titled = setting("page_title_shown", false) || Boolean(setting("page_title", ""));
        this.card = laidOut({
            picture: this.loaded, logo: chosen.brand ? this.logo : undefined, title: chosen.brand && titled ? brandName() : "",
            words: { prompt: taken("prompt"), negative: taken("negative"), settings: taken("settings") }, colors: colors(),
        }, measure);
        draw(this.card, this.pictures(), this.canvas);
        const why = !isSecureContext || !globalThis.ClipboardItem ? "Copying needs https or this machine." : "";
        this.copyButton.disabled = Boolean(why);
        this.copyButton.title = why;
        this.said.textContent = "";
    }

    pictures() {
        return { picture: this.loaded, logo: this.logo };
    }

    /** @param {string} format @returns {Promise<Blob | undefined>} */
    async file(format) {
        if (!this.card) return undefined;
        if (format === "svg") return svgOf(this.card, this.pictures());
        const type = FORMATS[format];
        const blob = /** @type {Blob | null} */ (await new Promise((resolve) => this.canvas.toBlob(resolve, type, QUALITY)));
        if (blob?.type === type) return blob;
        say("This browser cannot write such a file.", "Choose another format."); // it would give a PNG instead
        return undefined;
    }

    async save() {
        const format = this.format.value;
        const blob = await this.file(format);
        if (!blob) return;
        const href = URL.createObjectURL(blob);
        element("a", { href, download: `${this.picture.name.replace(/\.[^.]*$/, "")}-card.${format}` }).click();
        setTimeout(() => URL.revokeObjectURL(href), 60_000);
    }

    /** As a PNG, whatever the format is: the only one that every clipboard takes. */
    async copy() {
        const done = await this.file("png").then((blob) => blob && navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]))
            .then(() => true, () => false);
        this.said.textContent = done ? "Copied" : "The browser did not allow it.";
    }
}

/** Show a card of a picture. @param {import("./lightbox_door.js").Picture} picture */
export async function openCard(picture) {
    const [found, logo] = await Promise.all([loaded(picture.src), loaded(logoAddress())]);
    if (!found) return say("The picture is not there any more.");
    new Share(picture, found, logo).open();
}
