// @ts-check
// A picture in the whole window: zoom and pan, arrows through the pictures, tiling, live preview, and where it can go from here.
import { sendInfotext, sendPicture } from "./actions.js";
import { element, tool } from "./dom.js";
import { changes, current } from "./jobs.js";
import { Zoom } from "./lightbox_zoom.js";
import { setting } from "./page_settings.js";
import { shareCard } from "./share_door.js";

/** @typedef {import("./lightbox_door.js").Picture} Picture */
/** @typedef {{pictures: () => Picture[], at?: number, tab?: "txt2img" | "img2img", favourite?: (picture: Picture) => unknown}} Show */

/** @type {Lightbox | undefined} */
let open;

/** Show pictures, beginning with one of them. `pictures` is asked again when jobs end: there may be others then. @param {Show} show */
export function openLightbox(show) {
    open?.close();
    open = new Lightbox(show);
    return open;
}

class Lightbox {
    tiled = false;
    live = false;
    /** The address of the preview that is shown, or on its way. */
    preview = "";

    /** @param {Show} show */
    constructor(show) {
        this.show = show;
        this.door = /** @type {HTMLElement | null} */ (document.activeElement);
        this.pictures = show.pictures();
        this.at = Math.min(show.at ?? 0, this.pictures.length - 1);
        this.image = element("img", { alt: "", draggable: false });
        this.tiles = element("div", { class: "tiles", hidden: true });
        this.stage = element("div", { class: "stage" }, this.image, this.tiles);
        this.place = element("span", { class: "place", role: "status" });
        this.text = element("p", { class: "infotext-panel", hidden: true, translate: "no" });
        this.zoom = new Zoom(this.stage, { moved: () => this.draw(), swiped: (way) => this.go(way), clicked: () => this.close(),
            whole: setting("js_modal_lightbox_initially_zoomed", true) });
        this.dialog = element("dialog", { class: "webui lightbox", "aria-label": "Picture" },
            this.stage, this.bar(),
            tool("before", "Previous picture", () => this.go(-1), { class: "tool icon-before before" }),
            tool("after", "Next picture", () => this.go(1), { class: "tool icon-after after" }), this.text);
        this.dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.pressed(event));
        this.dialog.addEventListener("close", () => this.gone());
        this.changed = () => this.look();
        changes.addEventListener("change", this.changed);
        document.body.append(this.dialog);
        this.dialog.showModal();
        this.load();
    }

    bar() {
        const running = Boolean(this.show.tab);
        const send = (/** @type {string} */ icon, /** @type {string} */ name, /** @type {import("./actions.js").Target} */ target) =>
            tool(icon, name, () => this.send(target));
        this.tileButton = tool("tiles", "Show it as tiles (T)", () => this.tile(), { "aria-pressed": "false" });
        this.liveButton = running && tool("live", "Live preview (L)", () => this.follow(), { "aria-pressed": "false" });
        this.textButton = tool("words", "Show its settings (I)", () => this.tell(), { "aria-pressed": "false" });
        return element("div", { class: "bar", role: "toolbar", "aria-label": "Picture" },
            this.place,
            tool("fit", "Whole picture or full size (Z)", () => this.zoom.toggle()),
            this.tileButton, this.liveButton, this.textButton,
            element("span", { class: "gap" }),
            send("picture", "Send the picture to img2img", "img2img"),
            send("brush", "Send the picture to Inpaint", "inpaint"),
            send("enlarge", "Send the picture to Extras", "extras"),
            running && tool("fields", "Put the picture's settings into the fields", () => this.use()),
            this.show.favourite && tool("favourite", "Favourite (F)", () => this.favour()),
            tool("share", "Make a card of the picture to share", () => this.picture && shareCard(this.picture)),
            tool("download", "Download the picture (S)", () => this.save()),
            tool("cancel", "Close (Esc)", () => this.close()));
    }

    /** @returns {Picture | undefined} */
    get picture() {
        return this.pictures[this.at];
    }

    /** Show the picture that is chosen. */
    async load() {
        const picture = this.picture;
        this.place.textContent = this.pictures.length > 1 ? `${this.at + 1} of ${this.pictures.length}` : "";
        this.dialog.classList.toggle("single", this.pictures.length < 2);
        if (!picture) return;
        this.text.textContent = picture.infotext;
        this.image.alt = picture.infotext.split("\n")[0];
        await this.present(picture.src);
    }

    /** @param {string} src */
    async present(src) {
        const shown = new Image();
        shown.src = src;
        this.wanted = src;
        const there = await shown.decode().then(() => true, () => false);
        if (!there || this.wanted !== src) return;
        this.image.src = src;
        this.tiles.style.backgroundImage = `url(${JSON.stringify(src)})`;
        this.zoom.size(shown.naturalWidth, shown.naturalHeight);
    }

    /** Lay the picture out as the zoom says. */
    draw() {
        const { x, y, scale, width, height } = this.zoom;
        Object.assign(this.image.style, { width: `${width}px`, height: `${height}px`,
            transform: `translate(${x}px, ${y}px) scale(${scale})` });
        this.image.classList.toggle("sharp", scale * devicePixelRatio > 2);
        if (this.tiled) Object.assign(this.tiles.style, { backgroundSize: `${width * scale}px ${height * scale}px`,
            backgroundPosition: `${x}px ${y}px` });
    }

    /** @param {number} way */
    go(way) {
        if (this.pictures.length < 2) return;
        this.at = (this.at + way + this.pictures.length) % this.pictures.length;
        this.load();
    }

    /** Something happened to a job: a preview, or other pictures in the gallery. */
    look() {
        const job = this.show.tab && current(this.show.tab);
        if (this.live && job && job.state === "running" && job.preview) {
            const src = `webui/preview/${encodeURIComponent(job.id)}?n=${job.preview}`;
            if (src !== this.preview) this.present((this.preview = src));
            return;
        }
        const now = this.show.pictures();
        const same = now.length === this.pictures.length && now.every((one, number) => one.src === this.pictures[number].src);
        if (same && !this.preview) return;
        if (!now.length) return;
        const kept = now.findIndex((one) => one.src === this.picture?.src);
        this.pictures = now;
        this.at = this.preview || kept < 0 ? 0 : kept;
        this.preview = "";
        this.load();
    }

    follow() {
        this.live = !this.live;
        this.liveButton && this.liveButton.setAttribute("aria-pressed", String(this.live));
        if (!this.live && this.preview) {
            this.preview = "";
            this.load();
        }
        this.look();
    }

    tile() {
        this.tiled = !this.tiled;
        this.tileButton?.setAttribute("aria-pressed", String(this.tiled));
        this.tiles.hidden = !this.tiled;
        this.image.hidden = this.tiled;
        this.draw();
    }

    tell() {
        this.text.hidden = !this.text.hidden;
        this.textButton?.setAttribute("aria-pressed", String(!this.text.hidden));
    }

    /** @param {import("./actions.js").Target} target */
    send(target) {
        const picture = this.picture;
        this.close();
        if (picture) sendPicture(picture.src, target, picture.name);
    }

    use() {
        const text = this.picture?.infotext;
        this.close();
        if (text) sendInfotext(text, this.show.tab);
    }

    favour() {
        if (this.picture) this.show.favourite?.(this.picture);
    }

    save() {
        const picture = this.picture;
        if (picture) element("a", { href: picture.src, download: picture.name }).click();
    }

    /** @param {KeyboardEvent} event */
    pressed(event) {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const step = 40;
        /** @type {Record<string, () => unknown>} */
        const keys = {
            ArrowLeft: () => this.go(-1), ArrowRight: () => this.go(1), ArrowUp: () => this.zoom.pan(0, step),
                ArrowDown: () => this.zoom.pan(0, -step),
            "+": () => this.zoom.by(1.25), "=": () => this.zoom.by(1.25), "-": () => this.zoom.by(0.8), 0: () => this.zoom.fit(),
            z: () => this.zoom.toggle(), t: () => this.tile(), l: () => this.liveButton && this.follow(), i: () => this.tell(),
            s: () => this.save(), f: () => this.favour(), Escape: () => this.close(),
        };
        const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
        if (!act) return;
        event.preventDefault();
        event.stopPropagation();
        act();
    }

    close() {
        this.dialog.close();
    }

    gone() {
        changes.removeEventListener("change", this.changed);
        this.zoom.end();
        this.dialog.remove();
        if (open === this) open = undefined;
        this.door?.focus?.();
    }
}
