// @ts-check
// A training's events as lines for charts: what was lost at each step, smoothed, on pictures that are held out, and how fast it went.

/** @typedef {import("./training_chart.js").Point} Point */

const REMARKS = ["warning", "rolled_back", "changed", "copied", "published", "ended"];
const MOST = 40_000; // points that are kept of a line; of longer ones every second

export class Curves {
    /** @type {Record<"loss" | "rate" | "speed" | "train" | "held", Point[]>} */
    lines = { loss: [], rate: [], speed: [], train: [], held: [] };
    /** Every how manieth loss is kept. */
    stride = 1;
    best = /** @type {number | undefined} */ (undefined);
    /** @type {{step: number, text: string, at: number, kind: string}[]} */
    remarks = [];
    /** @type {any[]} */
    samples = [];
    files = 0;
    last = 0;

    /**
     * @param {any[]} events in the order in which they happened
     * @returns {boolean} whether there are samples or files that were not there
     */
    take(events) {
        let fresh = false;
        for (const event of events) {
            if (event.kind === "step") this.step(event);
            else if (event.kind === "probe") this.probe(event);
            else if (event.kind === "best") this.best = event.step;
            else if (event.kind === "sample") fresh = Boolean(this.samples.push(event));
            else if (event.kind === "exported" || event.kind === "published") fresh = Boolean(++this.files);
            else if (event.kind === "rolled_back") this.back(event);
            if (REMARKS.includes(event.kind) && (event.text || event.name) && event.state !== "done") {
                this.remarks.push({ step: event.step ?? this.last, text: event.text || `Published as ${event.name}`, at: event.at,
                    kind: event.kind });
            }
        }
        return fresh;
    }

    /** @param {any} event with the loss of each step since the last */
    step(event) {
        const losses = event.losses ?? (event.loss == null ? [] : [event.loss]);
        const first = event.step - losses.length + 1;
        losses.forEach((/** @type {number | null} */ loss, /** @type {number} */ place) => {
            if (loss !== null && (first + place) % this.stride === 0) this.lines.loss.push([first + place, loss]);
        });
        if (event.rate != null) this.lines.rate.push([event.step, event.rate]);
        if (event.images_per_second != null) this.lines.speed.push([event.step, event.images_per_second]);
        this.last = event.step;
        if (this.lines.loss.length > MOST) {
            this.stride *= 2;
            for (const name of /** @type {const} */ (["loss", "rate", "speed"])) {
                this.lines[name] = this.lines[name].filter((_, place) => place % 2 === 0);
            }
        }
    }

    /** @param {any} event */
    probe({ step, train, held_out: held }) {
        if (train != null) this.lines.train.push([step, train]);
        if (held != null) this.lines.held.push([step, held]);
    }

    /** What came after a state that was gone back to did not happen. @param {any} event */
    back(event) {
        const to = event.to ?? event.step;
        for (const name of /** @type {const} */ (["loss", "rate", "speed", "train", "held"])) this.lines[name] = this.lines[name]
            .filter(([step]) => step <= to);
    }

    /** The loss as a running mean over about so many steps. @param {number} width @returns {Point[]} */
    smooth(width) {
        const keep = 1 - 1 / Math.max(1, width / this.stride);
        let [sum, weight] = [0, 0];
        return this.lines.loss.map(([step, loss]) => {
            [sum, weight] = [sum * keep + loss, weight * keep + 1]; // divided by its weight, it does not begin at nothing
            return [step, sum / weight];
        });
    }

    /** As a table for other programs: a line for each step. */
    get csv() {
        /** @type {Map<number, Record<string, number>>} */
        const rows = new Map(this.lines.loss.map(([step, loss]) => [step, { loss }]));
        for (const [name, points] of Object.entries({ rate: this.lines.rate, train_probe: this.lines.train, held_out: this.lines.held })) {
            for (const [step, value] of points) rows.set(step, { ...rows.get(step), [name]: value });
        }
        const names = ["loss", "rate", "train_probe", "held_out"];
        const lines = [...rows].sort(([one], [other]) => one - other)
            .map(([step, values]) => [step, ...names.map((name) => /** @type {any} */ (values)[name] ?? "")].join());
        return [["step", ...names].join(), ...lines, ""].join("\n");
    }
}
