// @ts-check
// The page's colours, decided before the first paint: the address, then what was chosen on this page, then the settings, then --theme.
// A classic script, since a module would run too late. `appearance` is the program's --theme, empty to follow the system.
(() => {
    const KEY = "webui-theme";
    const root = document.documentElement;
    const program = document.currentScript?.dataset.appearance ?? "";
    const system = matchMedia("(prefers-color-scheme: dark)");
    const settings = /** @type {any} */ (window).webuiSettings ?? {};
    const READABLE = 4.5; // contrast of text to what it stands on, by WCAG 2.2 AA
    const [WHITE, BLACK, DARK_PAGE] = ["#ffffff", "#000000", "#18181b"];

    /** What a look changes of Gradio's greys and fills; the others keep theirs. @type {Record<string, {dark: boolean, page: string, values: Record<string, string>}>} */
    const LOOKS = {
        light: { dark: false, page: "#fafafa", values: {} },
        dark: { dark: true, page: "#09090b", values: {} },
        midnight: { dark: true, page: "#0b1020", values: {
            "--neutral-950": "#0b1020", "--neutral-900": "#131b30", "--neutral-800": "#1e2945", "--neutral-700": "#384a73",
            "--neutral-600": "#5a6d99", "--neutral-500": "#8090b8", "--neutral-400": "#a3b1d4", "--neutral-300": "#c5cfe8", "--neutral-100": "#e8edf8",
        } },
        paper: { dark: false, page: "#f7f1e5", values: {
            "--neutral-50": "#f7f1e5", "--neutral-100": "#efe6d5", "--neutral-200": "#e8dcc6", "--neutral-300": "#cdbd9f", "--neutral-500": "#75664c",
            "--neutral-600": "#645640", "--neutral-800": "#362e22", "--background-fill-primary": "#fffbf2", "--input-background-fill": "#fffbf2",
        } },
    };

    /** Gradio's greys (zinc), and colours that may tint them: a tinted one is as light as its grey, so contrasts stay. @type {Record<number, string>} */
    const GREYS = {
        50: "#fafafa", 100: "#f4f4f5", 200: "#e4e4e7", 300: "#d4d4d8", 400: "#a1a1aa", 500: "#71717a", 600: "#52525b", 700: "#3f3f46",
        800: "#27272a", 900: "#18181b", 950: "#09090b",
    };
    /** @type {Record<string, string>} */
    const TINTS = { Warm: "#d97706", Cool: "#2563eb", Green: "#16a34a", Violet: "#9333ea" };
    const TINTED = 0.12; // how much of the colour a grey takes

    /** What the address asked for when the page was loaded; below it is written anew, for Gradio. */
    let asked = new URLSearchParams(location.search).get("__theme");

    /** @returns {string} a look's name, or "" to follow the system */
    function wanted() {
        if (asked === "system") return "";
        const chosen = [asked, localStorage.getItem(KEY), settings.gradio_theme, program];
        return chosen.find((name) => name && name in LOOKS) ?? "";
    }

    const current = () => wanted() || (system.matches ? "dark" : "light");

    /** Set the page's own mark, Gradio's class, and the colours. */
    function show() {
        const name = current();
        const look = LOOKS[name];
        root.dataset.theme = look.dark ? "dark" : "light";
        root.dataset.look = name;
        document.body?.classList.toggle("dark", look.dark);
        const all = new Set(Object.values(LOOKS).flatMap(({ values }) => Object.keys(values)));
        for (const each of [...all, ...Object.keys(GREYS).map((shade) => `--neutral-${shade}`)]) root.style.removeProperty(each);
        const tint = name === "light" || name === "dark" ? TINTS[settings.page_greys] : undefined;
        for (const [shade, grey] of tint ? Object.entries(GREYS) : []) root.style.setProperty(`--neutral-${shade}`, tinted(grey, tint ?? ""));
        for (const [each, value] of Object.entries(look.values)) root.style.setProperty(each, value);
        root.style.setProperty("--page", tint ? tinted(look.page, tint) : look.page);
        if (/^#[0-9a-f]{6}$/i.test(settings.accent_color ?? "")) paint(settings.accent_color);
    }

    /** Gradio's shades of its first colour from one accent, dark enough under white text, and light enough on a dark page. @param {string} accent */
    function paint(accent) {
        let [deep, bright] = [accent, accent];
        while (contrast(deep, WHITE) < READABLE) deep = mixed(deep, BLACK, 0.08);
        while (contrast(bright, DARK_PAGE) < READABLE) bright = mixed(bright, WHITE, 0.08);
        const shades = {
            50: mixed(accent, WHITE, 0.93), 300: mixed(bright, WHITE, 0.25), 400: bright, 700: deep, 800: mixed(deep, BLACK, 0.18),
        };
        for (const [shade, value] of Object.entries(shades)) root.style.setProperty(`--primary-${shade}`, value);
    }

    /** A grey with something of a colour, and its own luminance. @param {string} grey @param {string} tint */
    function tinted(grey, tint) {
        const [wanted, toned] = [luminance(grey), mixed(grey, tint, TINTED)];
        const end = luminance(toned) < wanted ? WHITE : BLACK;
        let [less, more] = [0, 1];
        for (let turn = 0; turn < 12; turn++) {
            const share = (less + more) / 2;
            const short = end === WHITE ? luminance(mixed(toned, end, share)) < wanted : luminance(mixed(toned, end, share)) > wanted;
            if (short) less = share;
            else more = share;
        }
        return mixed(toned, end, more);
    }

    /** @param {string} hex @returns {number[]} red, green, blue in 0..255 */
    const parts = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));

    /** @param {string} one @param {string} other @param {number} share of the other */
    function mixed(one, other, share) {
        const [from, to] = [parts(one), parts(other)];
        return `#${from.map((value, place) => Math.round(value + (to[place] - value) * share).toString(16).padStart(2, "0")).join("")}`;
    }

    /** @param {string} hex @returns {number} relative luminance, 0..1 */
    function luminance(hex) {
        const [red, green, blue] = parts(hex).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    }

    /** @param {string} one @param {string} other @returns {number} 1..21 */
    function contrast(one, other) {
        const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    }

    // Gradio reads the address once, when it starts; it is put back to what it was afterwards.
    const address = new URL(location.href);
    const plain = address.toString();
    const plainly = wanted() ? (LOOKS[wanted()].dark ? "dark" : "light") : "system"; // all that Gradio knows
    if ((wanted() || address.searchParams.has("__theme")) && address.searchParams.get("__theme") !== plainly) {
        address.searchParams.set("__theme", plainly);
        history.replaceState(history.state, "", address);
        addEventListener("webui-ready", () => history.replaceState(history.state, "", plain), { once: true });
    }
    system.addEventListener("change", show);
    show();

    /** What the address asked for holds no longer. */
    function freely() {
        const here = new URL(location.href);
        here.searchParams.delete("__theme");
        asked = null;
        history.replaceState(history.state, "", here);
    }

    /** @type {any} */ (window).webuiTheme = {
        show,
        /** The settings' own theme, whatever was chosen on this page before. */
        follow() {
            freely();
            localStorage.removeItem(KEY);
            show();
        },
        toggle() {
            const next = root.dataset.theme === "dark" ? "light" : "dark";
            freely();
            localStorage.setItem(KEY, next);
            show();
        },
    };
})();
