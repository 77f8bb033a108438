// @ts-check
// The style sheets and modules that extensions bring along: fetched once the page stands, and again when the set of extensions has
// changed. What goes wrong in one is said once, by its name, and hurts nothing else.
import { say } from "./notices.js";
import { call } from "./server.js";

/**
 * @typedef {object} Entry what the program says of a usable extension
 * @property {string} name
 * @property {string} title
 * @property {string[]} css addresses
 * @property {string[]} javascript addresses
 * @property {{title: string, element: string} | null} tab
 */

const FILES = "/webui/extensions/";
/** What there is; undefined until the program has said it. @type {Entry[] | undefined} */
let known;
/** Addresses of modules that were imported, or could not be. @type {Set<string>} */
const imported = new Set();
/** @type {Map<string, HTMLLinkElement>} */
const sheets = new Map();
/** Whose failure was said. @type {Set<string>} */
const said = new Set();
/** @type {(value: unknown) => void} */
let first;
/** @type {Promise<unknown>} */
let latest = new Promise((resolve) => (first = resolve));

/** The usable extensions, in their order; undefined until they are known. */
export const entries = () => known;

/** Settles once the modules of the extensions that there are now were imported. @returns {Promise<unknown>} */
export const loaded = () => latest;

/** Load them once the page stands, and again when the set of extensions has changed. */
export function startExtensions() {
    addEventListener("error", (event) => blame(event.filename, event.message));
    addEventListener("unhandledrejection", ({ reason }) => blame(String(reason?.stack ?? ""), String(reason?.message ?? reason)));
    document.addEventListener("webui-extensions-changed", () => void (latest = latest.then(() => load())));
    latest = load(new Promise((resolve) => addEventListener("webui-ready", resolve, { once: true })));
    latest.then(first);
}

/** @param {Promise<unknown>} [page] settles when the page stands */
async function load(page) {
    const answer = await call("webui/extension-web");
    known = /** @type {Entry[]} */ (answer?.extensions ?? known ?? []);
    dress(known);
    await page;
    const files = known.flatMap((entry) => entry.javascript.map((address) => ({ entry, address })));
    await Promise.all(files.filter(({ address }) => !imported.has(address)).map(({ entry, address }) => bring(entry, address)));
    document.body.dataset.extensions = String(known.length);
    document.dispatchEvent(new Event("webui-extensions-loaded"));
}

/** Have the style sheets that there are now, and no others. @param {Entry[]} now */
function dress(now) {
    const wanted = now.flatMap(({ css }) => css);
    for (const [address, link] of sheets) {
        if (wanted.includes(address)) continue;
        link.remove();
        sheets.delete(address);
    }
    for (const address of wanted) {
        if (sheets.has(address)) continue;
        const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
        sheets.set(address, link);
        document.head.append(link);
    }
}

/** @param {Entry} entry @param {string} address */
async function bring(entry, address) {
    imported.add(address);
    try {
        await import(new URL(address, document.baseURI).href);
    } catch (error) {
        said.add(entry.name);
        say(`${entry.title}: its part of the page could not be loaded.`, error instanceof Error ? error.message : String(error));
    }
}

/** Say whose failure one is, if it is an extension's. @param {string} where an address, or a stack @param {string} message */
function blame(where, message) {
    const name = where.split(FILES)[1]?.split("/")[0];
    const entry = known?.find((one) => one.name === name);
    if (!entry || said.has(entry.name)) return;
    said.add(entry.name);
    say(`${entry.title}: something went wrong in its part of the page.`, message);
}
