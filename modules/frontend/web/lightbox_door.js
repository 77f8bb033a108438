// @ts-check
// Where the lightbox opens from: the large picture of a gallery. It is fetched when it is first wanted.
import { setting } from "./page_settings.js";
import { style } from "./parts.js";
import { info, nameOf, selected } from "./results.js";

/** @typedef {"txt2img" | "img2img"} FormTab */
/** @typedef {{src: string, name: string, infotext: string, key: string}} Picture `key` is its job and its number there */

/** The pictures of a gallery. @param {FormTab} tab @returns {Picture[]} */
export function galleryPictures(tab) {
    const { infotexts = [], pictures = [] } = info(tab);
    const images = /** @type {HTMLImageElement[]} */ ([...document.querySelectorAll(`#${tab}_gallery .thumbnails img`)]);
    return images.map((image, number) => ({ src: image.src, name: nameOf(image), infotext: infotexts[number] ?? "",
        key: pictures[number] ?? "" }));
}

/** Open the selected picture of a gallery in the whole window. @param {FormTab} tab */
export async function openGallery(tab) {
    fetched ??= (style("lightbox"), import("./lightbox.js"));
    const { openLightbox } = await fetched;
    openLightbox({ pictures: () => galleryPictures(tab), at: selected(tab), tab });
}

/** @type {Promise<typeof import("./lightbox.js")> | undefined} */
let fetched;

/** @param {MouseEvent} event */
function clicked(event) {
    const picture = event.target instanceof Element ? event.target
        .closest("#txt2img_gallery .media-button, #img2img_gallery .media-button") : null;
    if (!picture || !setting("js_modal_lightbox", true)) return;
    event.preventDefault();
    event.stopPropagation(); // Gradio would go on to the next picture
    openGallery(picture.closest("#img2img_gallery") ? "img2img" : "txt2img");
}

export function startLightbox() {
    document.addEventListener("click", clicked, true);
}
