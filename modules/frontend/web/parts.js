// @ts-check
// The parts of the page that are custom elements of ours. Each is fetched, script and style, when it first stands in the page.

/** Element -> its script, beside this one; a style sheet of the same name goes with it. @type {Record<string, string>} */
const PARTS = {
    "webui-canvas": "canvas",
    "webui-cards": "cards",
    "webui-script": "scripts",
    "webui-presets": "presets",
    "webui-brand": "brand",
    "webui-quicksettings": "quicksettings",
    "webui-batch": "batch",
    "webui-settings": "settings",
    "webui-models": "models",
    "webui-extensions": "extensions",
    "webui-history": "history",
    "webui-queue": "queue",
    "webui-extras": "extras",
    "webui-pnginfo": "pnginfo",
    "webui-merger": "merger",
    "webui-training": "training",
    "webui-dataset": "dataset",
    "webui-styles": "styles",
    "webui-tools": "tools",
    "webui-picture-field": "picture_field",
    "webui-found": "found",
};
const asked = new Set();

/** Fetch what the page has come to need. */
function look() {
    for (const [tag, name] of Object.entries(PARTS)) {
        if (asked.has(tag) || !document.querySelector(tag)) continue;
        asked.add(tag);
        style(name);
        import(`./${name}.js`);
    }
}

/** Load a style sheet that lies beside this file. @param {string} name */
export function style(name) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(`${name}.css`, import.meta.url).href;
    document.head.append(link);
}

export function startParts() {
    new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
    look();
}
