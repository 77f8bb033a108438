// @ts-check
// Light or dark, decided before the first paint: the address, then what was chosen on this page, then the program's own.
// A classic script, since a module would run too late. `appearance` is the program's --theme, empty to follow the system.
(() => {
    const KEY = "webui-theme";
    const root = document.documentElement;
    const program = document.currentScript?.dataset.appearance ?? "";
    const system = matchMedia("(prefers-color-scheme: dark)");

    /** @returns {string} "light", "dark", or "" to follow the system */
    const wanted = () => new URLSearchParams(location.search).get("__theme") || localStorage.getItem(KEY) || program;
    /** @param {string} name */
    const known = (name) => name === "light" || name === "dark";

    /** Set both the page's own mark and Gradio's class. */
    function show() {
        const name = wanted();
        const dark = known(name) ? name === "dark" : system.matches;
        root.dataset.theme = dark ? "dark" : "light";
        document.body?.classList.toggle("dark", dark);
    }

    // Gradio reads the address once, when it starts; it is put back to what it was afterwards.
    const address = new URL(location.href);
    if (known(wanted()) && !address.searchParams.has("__theme")) {
        const plain = address.toString();
        address.searchParams.set("__theme", wanted());
        history.replaceState(history.state, "", address);
        addEventListener("webui-ready", () => history.replaceState(history.state, "", plain), { once: true });
    }
    system.addEventListener("change", show);
    show();

    /** @type {any} */ (window).webuiTheme = {
        show,
        toggle() {
            const next = root.dataset.theme === "dark" ? "light" : "dark";
            const here = new URL(location.href);
            here.searchParams.delete("__theme");
            history.replaceState(history.state, "", here);
            localStorage.setItem(KEY, next);
            show();
        },
    };
})();
