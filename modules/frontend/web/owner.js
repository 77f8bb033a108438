// @ts-check
// Who this tab is. Jobs belong to a tab: a reloaded tab is the same one, and a new tab becomes the last one that was closed.

const HERE = "webui-owner";
const LAST = "webui-last-owner";

/** @type {Promise<string> | undefined} */
let decided;

/** @returns {Promise<string>} this tab's id, decided once */
export function owner() {
    decided ??= decide();
    return decided;
}

async function decide() {
    const mine = sessionStorage.getItem(HERE);
    const last = localStorage.getItem(LAST);
    let id = "";
    if (mine && await taken(mine, patience())) id = mine;
    else if (last && last !== mine && await taken(last, 0)) id = last;
    else id = newId();
    if (id !== mine && id !== last) await taken(id, 0);
    sessionStorage.setItem(HERE, id);
    localStorage.setItem(LAST, id);
    return id;
}

/** How long to wait for this tab's own name, in milliseconds: the page before a reload lets go of it late, a tab's double never does. */
function patience() {
    const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
    return entry?.type === "reload" ? 15_000 : 3_000;
}

/** @returns {string} */
function newId() {
    return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Take a tab's name for as long as this tab lives. A duplicated tab has its original's session, but not its name.
 * Without locks (a page over plain http from another computer) a tab cannot know of others, and keeps its session's name.
 * @param {string} id
 * @param {number} wait milliseconds
 * @returns {Promise<boolean>}
 */
function taken(id, wait) {
    if (!navigator.locks) return Promise.resolve(id === sessionStorage.getItem(HERE));
    return new Promise((resolve) => {
        const hold = (/** @type {Lock | null} */ lock) => {
            resolve(lock !== null);
            return lock ? new Promise(() => {}) : undefined;
        };
        const how = wait ? { signal: AbortSignal.timeout(wait) } : { ifAvailable: true };
        navigator.locks.request(`webui-owner-${id}`, how, hold).catch(() => resolve(false));
    });
}
