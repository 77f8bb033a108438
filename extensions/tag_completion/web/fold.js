// @ts-check
// Texts as they are compared: case, width, kana, traditional characters and underscores make no difference.

const MARKS = /[_\s]+/g;

/**
 * A folding function.
 * @param {string} [pairs] characters by twos: a traditional one, then its simplified one
 * @returns {(text: string) => string}
 */
export function folding(pairs = "") {
    /** @type {Map<string, string>} */
    const simple = new Map();
    const signs = [...pairs];
    for (let place = 0; place + 1 < signs.length; place += 2) simple.set(signs[place], signs[place + 1]);
    const sign = (/** @type {string} */ one) => {
        const code = one.charCodeAt(0);
        if (code >= 0x30a1 && code <= 0x30f6) return String.fromCharCode(code - 0x60); // katakana is looked for as hiragana
        return simple.get(one) ?? one;
    };
    return (text) => {
        const plain = text.toLowerCase().replace(MARKS, " ");
        if (isLatin(plain)) return plain;
        return plain.normalize("NFKC").toLowerCase().replace(/[^\x00-\x7f]/gu, sign);
    };
}

/** Whether a text has no sign beyond ASCII. @param {string} text */
export function isLatin(text) {
    for (let place = 0; place < text.length; place++) if (text.charCodeAt(place) > 127) return false;
    return true;
}

/** Whether a text has Chinese or Japanese signs. @param {string} text */
export const isEastern = (text) => /[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]/.test(text);
