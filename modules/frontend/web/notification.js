// @ts-check
// A sound and a notification when this page's job has ended and the page is not in front: the program's own tone, or the user's file.
import { changes, formOf } from "./jobs.js";
import { setting } from "./page_settings.js";

const SOUND = "webui/notification-sound";
const NOTES = [660, 880]; // hertz
const NOTE_SECONDS = 0.16;

/** @type {AudioContext | undefined} made at a person's first click or key: a page may not sound before */
let audio;
/** The user's own sound, null where there is none. @type {Promise<AudioBuffer | null> | undefined} */
let own;

/** @param {AudioContext} audio @returns {Promise<AudioBuffer | null>} */
async function fetchOwn(audio) {
    const answer = await fetch(SOUND).catch(() => undefined);
    if (answer?.status !== 200) return null;
    return audio.decodeAudioData(await answer.arrayBuffer()).catch(() => null);
}

/** Sound once. @param {number} volume 0 to 1 */
export async function sound(volume) {
    if (!audio || volume <= 0) return;
    await audio.resume();
    const recorded = await (own ??= fetchOwn(audio));
    const gain = audio.createGain();
    gain.connect(audio.destination);
    if (recorded) {
        gain.gain.value = volume;
        const source = new AudioBufferSourceNode(audio, { buffer: recorded });
        source.connect(gain);
        source.start();
    } else tone(audio, gain, volume);
    document.body.dataset.sounded = String(Number(document.body.dataset.sounded ?? 0) + 1);
}

/** Two soft notes, the second higher. @param {AudioContext} audio @param {GainNode} gain @param {number} volume */
function tone(audio, gain, volume) {
    NOTES.forEach((frequency, number) => {
        const start = audio.currentTime + number * NOTE_SECONDS;
        const note = new OscillatorNode(audio, { frequency, type: "sine" });
        const shape = new GainNode(audio, { gain: 0 });
        shape.gain.setValueAtTime(0, start);
        shape.gain.linearRampToValueAtTime(0.25 * volume, start + 0.02);
        shape.gain.exponentialRampToValueAtTime(0.001, start + 3 * NOTE_SECONDS);
        note.connect(shape).connect(gain);
        note.start(start);
        note.stop(start + 3 * NOTE_SECONDS);
    });
}

/** @param {import("./jobs.js").Job} job */
function notify(job) {
    if (!setting("notification_browser", false) || Notification.permission !== "granted") return;
    const words = job.state === "failed" ? "A job has failed" : "The pictures are ready";
    const picture = job.summary?.paths?.some(Boolean) ? `webui/jobs/${encodeURIComponent(job.id)}/thumbnail` : undefined;
    const shown = new Notification(words, { body: job.title, icon: picture, tag: "webui-job" });
    shown.onclick = () => (window.focus(), shown.close());
}

/** @param {Event} event */
function ended(event) {
    const job = /** @type {CustomEvent} */ (event).detail;
    if (job.state === "cancelled" || !formOf(job) || document.hasFocus()) return;
    if (setting("notification_audio", true)) sound(setting("notification_volume", 100) / 100);
    if ("Notification" in window) notify(job);
}

/** Browsers let a page sound, and ask to notify, only once a person has done something in it. @param {Event} event */
function touched(event) {
    audio ??= new AudioContext();
    const generates = event.target instanceof Element && event.target.closest("#txt2img_generate, #img2img_generate");
    const asks = generates && setting("notification_browser", false) && "Notification" in window && Notification.permission === "default";
    if (asks) Notification.requestPermission();
}

export function startNotification() {
    changes.addEventListener("ended", ended);
    for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, touched, { capture: true, passive: true });
}
