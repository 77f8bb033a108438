// @ts-check
// The prompt within an infotext, and words in it. Nothing here touches the page.

/** Where an infotext's prompt ends: before its negative prompt or its settings. @param {string} text */
export function promptEnd(text) {
    const found = /(^|\n)(Negative prompt:|Steps: )/.exec(text);
    return found ? found.index : text.length;
}

/** The parts of a prompt between commas. @param {string} prompt */
const parts = (prompt) => prompt.split(/[,\uff0c\n]/).map((part) => part.trim()).filter(Boolean);

/** Whether a word stands in an infotext's prompt. @param {string} text @param {string} word */
export const hasWord = (text, word) => parts(text.slice(0, promptEnd(text))).includes(word.trim());

/** An infotext with a word at the end of its prompt, or without it if it is there. @param {string} text @param {string} word */
export function toggled(text, word) {
    const end = promptEnd(text);
    const prompt = text.slice(0, end);
    const rest = text.slice(end);
    if (!hasWord(text, word)) {
        const before = prompt.trimEnd();
        const joined = before ? `${before}${before.endsWith(",") ? " " : ", "}${word}` : word;
        return joined + (rest && !rest.startsWith("\n") ? `\n${rest}` : rest);
    }
    const kept = prompt.split("\n").map((line) => {
        const there = parts(line);
        return there.includes(word.trim()) ? there.filter((part) => part !== word.trim()).join(", ") : line;
    });
    return kept.join("\n") + rest;
}

const PAIR = /(?:^|, )[\w][\w \-/]*: (?:"(?:\\.|[^"\\])*"|[^,]*)/g;
const LEAST_PAIRS = 3; // a last line with fewer is taken for a part of the prompt, by this program as by A1111

/** Whether a text ends in a line of settings. @param {string} text */
export const isInfotext = (text) => ((text.trimEnd().split("\n").pop() ?? "").match(PAIR)?.length ?? 0) >= LEAST_PAIRS;

/** The prompt and the negative prompt of a text that has no settings. @param {string} text @returns {[string, string]} */
export function promptsOf(text) {
    const end = promptEnd(text);
    return [text.slice(0, end).trim(), text.slice(end).replace(/^\s*Negative prompt:/, "").trim()];
}

/** An infotext without the names of models, to be used with the one that is chosen; as it is if too little would be left. @param {string} text */
export function withoutModel(text) {
    const lines = text.split("\n");
    const last = lines.length - 1;
    if (/(^|, )Steps: /.test(lines[last])) {
        lines[last] = lines[last].replace(/(^|, )Model(?: hash)?: (?:"(?:\\.|[^"\\])*"|[^,]*)/g, "").replace(/^, /, "");
    }
    const bare = lines.join("\n");
    return isInfotext(bare) ? bare : text;
}
