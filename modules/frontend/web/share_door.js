// @ts-check
// The door to a card of the selected picture; what draws it is fetched when it is first wanted.
import { galleryPictures } from "./lightbox_door.js";
import { say } from "./notices.js";
import { style } from "./parts.js";
import { selected } from "./results.js";

/** @type {Promise<typeof import("./share_card.js")> | undefined} */
let fetched;

/** Make a card of the selected picture of a gallery. @param {"txt2img" | "img2img"} tab */
export function share(tab) {
    const picture = galleryPictures(tab)[selected(tab)];
    if (!picture) {
        say("There is no picture to make a card of.", "Generate one first.");
        return [];
    }
    shareCard(picture);
    return [];
}

/** Make a card of any picture. @param {import("./lightbox_door.js").Picture} picture */
export async function shareCard(picture) {
    fetched ??= (style("share_card"), import("./share_card.js"));
    (await fetched).openCard(picture);
}
