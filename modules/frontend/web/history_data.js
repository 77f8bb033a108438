// @ts-check
// The pictures of a search, as the History tab holds them: all ids in order, and the rows of those that were looked at.
import { call } from "./server.js";

const AT_ONCE = 400; // rows asked for together
const AROUND = 60; // rows asked for beside those in sight

/**
 * @typedef {object} Row
 * @property {number} id
 * @property {string} name of the file
 * @property {number} width
 * @property {number} height
 * @property {string} kind
 * @property {number} made seconds since 1970
 * @property {boolean} favourite
 * @property {string} title the beginning of the prompt
 * @property {string | null} problem
 * @property {number | null} trashed
 */

/** @param {number} id @param {Row | undefined} row @param {number} side */
export const thumbnail = (id, row, side) => `webui/history/thumbnails/${id}?side=${side > 256 ? 512 : 256}&v=${row?.made ?? 0}`;
/** @param {number} id */
export const file = (id) => `webui/history/pictures/${id}/file`;

export class Pictures {
    /** @type {number[]} */
    ids = [];
    /** @type {[string, number][]} days with their counts */
    days = [];
    /** @type {string[]} what was not understood */
    problems = [];
    revision = 0;
    /** @type {Map<number, Row>} */
    rows = new Map();
    /** @type {Set<number>} */
    asked = new Set();
    /** @type {AbortController | undefined} */
    running;

    /**
     * Look pictures up; false if another search took its place, or the program refused.
     * @param {string} query
     * @param {string} sort
     * @param {boolean} trash
     */
    async search(query, sort, trash) {
        this.running?.abort();
        const running = (this.running = new AbortController());
        const values = new URLSearchParams({ q: query, sort, trash: String(trash) });
        const found = await call(`webui/history?${values}`, { signal: running.signal });
        if (!found || running.signal.aborted) return false;
        this.ids = found.ids;
        this.days = found.days;
        this.problems = found.problems;
        this.revision = found.revision;
        this.rows.clear(); // favourites and places may have changed elsewhere
        this.asked.clear();
        for (const row of found.rows) this.rows.set(row.id, row);
        return true;
    }

    /** @param {number} index @returns {Row | undefined} */
    row(index) {
        return this.rows.get(this.ids[index]);
    }

    /**
     * Have the rows of a stretch, and of what lies around it; the ids that are new.
     * @param {number} first
     * @param {number} last
     * @returns {Promise<number[]>}
     */
    async need(first, last) {
        const around = this.ids.slice(Math.max(0, first - AROUND), last + AROUND + 1);
        const wanted = around.filter((id) => !this.rows.has(id) && !this.asked.has(id));
        if (!wanted.length) return [];
        const ids = wanted.slice(0, AT_ONCE);
        for (const id of ids) this.asked.add(id);
        const rows = await call("webui/history/rows", { json: { ids } });
        for (const id of ids) this.asked.delete(id);
        for (const row of rows ?? []) this.rows.set(row.id, row);
        return rows ? ids : [];
    }

    /** Take pictures out before the program has said that they are gone. @param {Set<number>} gone */
    remove(gone) {
        /** @type {[string, number][]} */
        const days = [];
        let place = 0;
        for (const [day, count] of this.days) {
            const left = this.ids.slice(place, place + count).filter((id) => !gone.has(id)).length;
            place += count;
            if (left) days.push([day, left]);
        }
        this.days = days;
        this.ids = this.ids.filter((id) => !gone.has(id));
    }

    /** @returns {{title: string, count: number}[]} the days as headings */
    sections() {
        return this.days.map(([day, count]) => ({ title: named(day), count }));
    }
}

/** A day in words. @param {string} day as 2026-01-31 */
export function named(day) {
    const today = new Date();
    const date = new Date(`${day}T12:00:00`);
    const away = Math.round((new Date(today.getFullYear(), today.getMonth(), today.getDate(), 12).getTime() - date.getTime()) / 86_400_000);
    if (away === 0) return "Today";
    if (away === 1) return "Yesterday";
    const language = document.documentElement.lang || undefined;
    return date.toLocaleDateString(language, { weekday: "short", day: "numeric", month: "long", year: "numeric" });
}
