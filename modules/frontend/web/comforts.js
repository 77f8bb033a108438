// @ts-check
// What makes the page pleasant and is no part of it: each comfort in a file of its own, started here.
import { startEditing } from "./editing.js";
import { startFirstChoice } from "./first_choice.js";
import { startForever } from "./forever.js";
import { startLeaving } from "./leaving.js";
import { startLightbox } from "./lightbox_door.js";
import { startNotification } from "./notification.js";
import { style } from "./parts.js";
import { startPromptMarks } from "./prompt_marks.js";
import { startRatios } from "./ratio.js";
import { startRatioOverlay } from "./ratio_overlay.js";
import { startSidebars } from "./sidebars.js";
import { startSplitView } from "./split_view.js";
import { startWake } from "./wake.js";

export function startComforts() {
    style("comforts");
    startEditing();
    startFirstChoice();
    startForever();
    startLeaving();
    startLightbox();
    startPromptMarks();
    startNotification();
    startRatios();
    startRatioOverlay();
    startSidebars();
    startSplitView();
    startWake();
}
