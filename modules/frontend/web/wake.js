// @ts-check
// The screen stays on while this page's job runs.
import { changes, current } from "./jobs.js";
import { setting } from "./page_settings.js";

/** @type {WakeLockSentinel | undefined} */
let lock;
let asking = false;

async function update() {
    const wanted = current()?.state === "running" && document.visibilityState === "visible"
        && setting("prevent_screen_sleep_during_generation", true);
    if (!wanted) {
        lock?.release().catch(() => {});
        lock = undefined;
        return;
    }
    if (lock || asking) return;
    asking = true;
    lock = await navigator.wakeLock.request("screen").catch(() => undefined); // a battery that is low refuses it
    asking = false;
    lock?.addEventListener("release", () => (lock = undefined)); // the browser takes it when the page is hidden
    document.body.dataset.awake = String(Boolean(lock));
    if (current()?.state !== "running") update();
}

export function startWake() {
    if (!navigator.wakeLock) return; // only over https, or on this machine
    changes.addEventListener("change", update);
    document.addEventListener("visibilitychange", update);
}
