// @ts-check
// A prompt made of chance: somebody or something, somewhere, in some light and style. Words come from the library's own shelves.

const GOOD = "masterpiece, best quality"; // where a person has set no beginning

/** What an inspiration is made of: shelf, group, and how likely it is. @type {[string, string, number][]} */
const RECIPE = [
    ["Styles and moods", "Art styles", 0.8], ["People", "", 0.6], ["Animals", "", 0.35], ["Face, hair and body", "Hair", 0.5],
    ["Clothes", "Clothes", 0.5], ["Poses and actions", "Actions", 0.5], ["Places", "", 0.6], ["Nature and sky", "Landscape", 0.5], ["Nature and sky", "Weather", 0.3],
    ["Nature and sky", "Time and season", 0.4], ["Framing and light", "Light in pictures", 0.7], ["Framing and light", "Framing", 0.4], ["Styles and moods", "Mood", 0.6],
    ["Colours", "Colour schemes", 0.3],
];

/**
 * @param {{name: string, groups: {name: string, tags: [string, any][]}[]}[]} categories
 * @param {{start?: string, end?: string, random?: () => number}} [how]
 * @returns {string}
 */
export function inspiration(categories, { start = "", end = "", random = Math.random } = {}) {
    const words = RECIPE.map(([shelf, group, chance]) => {
        const groups = categories.find(({ name }) => name === shelf)?.groups ?? [];
        const tags = groups.filter(({ name }) => !group || name === group).flatMap((one) => one.tags);
        return tags.length && random() < chance ? tags[Math.floor(random() * tags.length)][0] : "";
    });
    return [...new Set([start || GOOD, ...words, end].filter(Boolean))].join(", ");
}
