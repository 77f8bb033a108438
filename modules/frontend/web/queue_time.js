// @ts-check
// How long jobs will take, by how long those before them took.
import { clock, share } from "./progress.js";

/** @typedef {import("./jobs.js").Job} Job */

const SAMPLES = 12; // of the last jobs of a kind: older ones were made with other models or cards
const STEADY = 5; // steps of a running job until its pace says something

/** What a job's time goes with: pixels times steps where pictures are generated, else the job itself. @param {Job} job */
const work = (job) => job.brief?.work || 1;

/** Jobs whose times can be compared. @param {Job} job */
const sort = (job) => (job.brief ? "generated" : job.kind);

/**
 * The seconds that a unit of work takes, by sort of job: as the running one goes, else the median of the last, since one that loaded a
 * model first says little of the next.
 * @param {Job[]} ended the last first
 * @param {Job[]} open
 * @returns {Map<string, number>}
 */
export function rates(ended, open) {
    /** @type {Map<string, number[]>} */
    const found = new Map();
    for (const job of ended) {
        if (job.state !== "done" || !job.started || !job.ended) continue;
        const known = found.get(sort(job)) ?? [];
        if (known.length < SAMPLES) found.set(sort(job), [...known, (job.ended - job.started) / work(job)]);
    }
    const known = new Map([...found].map(([name, values]) => [name, values.sort((a, b) => a - b)[Math.floor(values.length / 2)]]));
    const running = open.find((job) => job.state === "running" && job.seconds_left != null && (job.done ?? 0) >= STEADY && share(job) < 1);
    if (running) known.set(sort(running), (running.seconds_left ?? 0) / (1 - share(running)) / work(running));
    return known;
}

/** @param {Job} job @param {Map<string, number>} rates @returns {number | undefined} seconds from its beginning to its end */
export function estimate(job, rates) {
    const rate = rates.get(sort(job));
    return rate === undefined ? undefined : rate * work(job);
}

/**
 * In how many seconds each waiting job will begin; undefined from the first on of which nothing is known.
 * @param {Job[]} open in the order in which they run
 * @param {Map<string, number>} rates
 * @returns {Map<string, number | undefined>}
 */
export function starts(open, rates) {
    /** @type {Map<string, number | undefined>} */
    const found = new Map();
    /** @type {number | undefined} */
    let sum = 0;
    for (const job of open) {
        if (job.state === "queued") found.set(job.id, sum);
        if (job.held) continue;
        const takes = job.state === "running" ? remaining(job, rates) : estimate(job, rates);
        sum = sum === undefined || takes === undefined ? undefined : sum + takes;
    }
    return found;
}

/** @param {Job} job @param {Map<string, number>} rates */
function remaining(job, rates) {
    if (job.seconds_left != null) return job.seconds_left;
    const whole = estimate(job, rates);
    return whole === undefined ? undefined : Math.max(0, whole - (Date.now() / 1000 - (job.started ?? Date.now() / 1000)));
}

/** @param {number | undefined} seconds @returns {string} such as "about 0:12", empty for what is not known */
export const about = (seconds) => (seconds === undefined ? "" : `about ${clock(Math.max(1, seconds))}`);
