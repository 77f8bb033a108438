// @ts-check
// <controlnet-pose>: the joints of people over their picture, moved by pointer or keys, hidden and shown; people added and removed.
import { call, define, element, say } from "easel/extension.js";
import { ALONG, JOINTS, PARTS, colour, placed, standing } from "./pose_figure.js";

/** @typedef {import("./pose_figure.js").Poses} Poses */
/** @typedef {import("./pose_figure.js").Person} Person */
/** @typedef {import("./pose_figure.js").Part} Part */
/** @typedef {{person: number, part: Part, joint: number}} Place a joint */

const SVG = "http://www.w3.org/2000/svg";
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TURNS = { Delete: true, Enter: true, " ": true }; // keys that hide and show a joint
const FAR = 10; // pixels of a step with Shift
const MOST_PEOPLE = 50;
const MOST_UNDONE = 100;
const SIZES = { pose_keypoints_2d: 5.5, hand_left_keypoints_2d: 3, hand_right_keypoints_2d: 3, face_keypoints_2d: 2 }; // pixels of the screen
const parts = /** @type {Part[]} */ (Object.keys(PARTS));
const copy = (/** @type {Poses} */ poses) => /** @type {Poses} */ (JSON.parse(JSON.stringify(poses)));

/** @param {string} tag @param {Record<string, any>} values @returns {any} an element of SVG */
function drawn(tag, values) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(values)) made.setAttribute(name, String(value));
    return made;
}

class PoseEditor extends HTMLElement {
    /** @type {Poses} */
    poses = { people: [], canvas_width: 512, canvas_height: 512 };
    /** The address of the picture behind; empty for none. */
    picture = "";
    /** @type {string[]} */
    past = [];
    /** @type {Place | undefined} */
    chosen;
    /** @type {{dot: any, place: Place}[]} */
    dots = [];
    /** @type {{line: any, person: number, part: Part, edge: number[]}[]} */
    lines = [];

    connectedCallback() {
        if (this.svg) return;
        this.svg = drawn("svg", { class: "cn-pose-area" });
        this.svg.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.take(event));
        this.svg.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.drag(event));
        for (const type of ["pointerup", "pointercancel"]) this.svg.addEventListener(type, () => { this.held = undefined; });
        this.svg.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.key(event));
        this.words = element("p", { class: "quiet cn-pose-words", "aria-live": "polite" });
        this.undoButton = element("button", { type: "button", onclick: () => this.undo() }, "Undo");
        this.hideButton = element("button", { type: "button", onclick: () => this.turn() }, "Hide the joint");
        this.removeButton = element("button", { type: "button", onclick: () => this.removePerson() }, "Remove the person");
        this.addButton = element("button", { type: "button", onclick: () => this.add() }, "Add a person");
        const how = "Drag a joint, or move it with the arrow keys; drag a limb to move the whole person.";
        this.append(element("p", { class: "quiet" }, how), this.svg, this.words, element("div", { class: "toolbar" }, this.undoButton, this.hideButton, this.addButton, this.removeButton,
            element("button", { type: "button", onclick: () => this.download() }, "Download as JSON"),
            element("button", { type: "button", onclick: () => this.choose() }, "Open JSON")));
        this.watch = new ResizeObserver(() => this.put());
        this.watch.observe(this.svg);
        this.show(this.poses);
    }

    disconnectedCallback() {
        this.watch?.disconnect();
    }

    /** Show poses. @param {Poses} poses */
    show(poses) {
        this.poses = poses;
        for (const { pose_keypoints_2d: body } of poses.people) placed(body, poses.canvas_width, poses.canvas_height);
        if (this.chosen && !this.at(this.chosen)) this.chosen = undefined;
        this.svg && this.build();
    }

    /** The numbers of a joint's part; undefined if it is not there. @param {{person: number, part: Part}} place */
    at({ person, part }) {
        return this.poses.people[person]?.[part] ?? undefined;
    }

    build() {
        const { canvas_width: width, canvas_height: height } = this.poses;
        this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
        this.svg.style.aspectRatio = `${width} / ${height}`;
        this.svg.replaceChildren(drawn("rect", { width, height, class: "cn-pose-ground" }));
        if (this.picture) this.svg.append(drawn("image", { href: this.picture, width, height, preserveAspectRatio: "none" }));
        this.dots = [];
        this.lines = [];
        for (const person of this.poses.people.keys()) this.svg.append(this.figure(person));
        this.put();
    }

    /** @param {number} person its place */
    figure(person) {
        const group = drawn("g", { role: "group", "aria-label": `Person ${person + 1}` });
        for (const part of [...parts].reverse()) { // the body's joints over the face's points
            const values = this.at({ person, part });
            if (!values || (part === "pose_keypoints_2d" && !values.some(Boolean))) continue;
            const { edges, of } = PARTS[part];
            for (const [number, edge] of edges.entries()) {
                const line = drawn("line", { stroke: colour(number, of ? 20 : 18, of ? 50 : 30), class: "cn-pose-limb" });
                this.lines.push({ line, person, part, edge });
                group.append(line);
            }
            for (let joint = 0; 3 * joint < values.length; joint++) group.append(this.dot({ person, part, joint }));
        }
        return group;
    }

    /** @param {Place} place */
    dot(place) {
        const { part, joint } = place;
        const body = part === "pose_keypoints_2d";
        const fill = body ? colour(joint, 18) : part === "face_keypoints_2d" ? "white" : "blue";
        const dot = drawn("circle", { fill, stroke: fill, role: "button", tabindex: body ? 0 : -1, "aria-label": this.name(place), class: `cn-pose-joint${body ? "" : " small"}` });
        dot.addEventListener("focus", () => this.mark(place));
        this.dots.push({ dot, place });
        return dot;
    }

    /** @param {Place} place */
    name({ part, joint }) {
        return PARTS[part].of || JOINTS[joint];
    }

    /** Put everything where it is by now. */
    put() {
        const unit = this.poses.canvas_width / (this.svg.getBoundingClientRect().width || this.poses.canvas_width); // a pixel of the screen
        for (const { line, person, part, edge: [one, other] } of this.lines) {
            const values = this.at({ person, part }) ?? [];
            line.toggleAttribute("hidden", !(values[3 * one + 2] > 0 && values[3 * other + 2] > 0));
            const ends = { x1: values[3 * one], y1: values[3 * one + 1], x2: values[3 * other], y2: values[3 * other + 1] };
            for (const [name, value] of Object.entries(ends)) line.setAttribute(name, String(value));
            line.setAttribute("stroke-width", String((PARTS[part].of ? 2 : 5) * unit));
        }
        for (const { dot, place } of this.dots) {
            const values = this.at(place) ?? [];
            const seen = values[3 * place.joint + 2] > 0;
            const mine = this.chosen && same(this.chosen, place);
            dot.setAttribute("cx", String(values[3 * place.joint]));
            dot.setAttribute("cy", String(values[3 * place.joint + 1]));
            dot.setAttribute("r", String(SIZES[place.part] * unit * (mine ? 1.5 : 1)));
            dot.setAttribute("aria-pressed", String(seen));
            dot.classList.toggle("unseen", !seen);
            dot.classList.toggle("chosen", Boolean(mine));
        }
        this.tell();
    }

    /** What can be done now, and with what. */
    tell() {
        const { chosen } = this;
        this.undoButton.disabled = !this.past.length;
        this.addButton.disabled = this.poses.people.length >= MOST_PEOPLE;
        this.hideButton.disabled = this.removeButton.disabled = !chosen;
        const seen = !chosen || (this.at(chosen)?.[3 * chosen.joint + 2] ?? 0) > 0;
        this.hideButton.textContent = seen ? "Hide the joint" : "Show the joint";
        this.words.textContent = chosen ? [this.name(chosen), `Person ${chosen.person + 1}`].join(" · ") : "";
    }

    /** @param {Place} place */
    mark(place) {
        this.chosen = place;
        this.put();
    }

    /** Remember how it is, for "Undo". */
    keep() {
        this.past.push(JSON.stringify(this.poses));
        if (this.past.length > MOST_UNDONE) this.past.shift();
    }

    undo() {
        const before = this.past.pop();
        if (!before) return;
        this.show(JSON.parse(before));
        this.focusChosen();
    }

    focusChosen() {
        const { chosen } = this;
        if (chosen) this.dots.find(({ place }) => same(place, chosen))?.dot.focus();
    }

    /** Begin to drag a joint, or by a limb the whole person. @param {PointerEvent} event */
    take(event) {
        const place = this.dots.find(({ dot }) => dot === event.target)?.place;
        const limb = this.lines.find(({ line }) => line === event.target);
        if (event.button || (!place && !limb)) return;
        event.preventDefault();
        this.svg.setPointerCapture(event.pointerId);
        this.mark(place ?? { person: limb?.person ?? 0, part: limb?.part ?? "pose_keypoints_2d", joint: limb?.edge[0] ?? 0 });
        this.focusChosen();
        this.held = { whole: !place, moved: false, ...this.point(event) };
    }

    /** @param {PointerEvent} event in pixels of the canvas */
    point(event) {
        const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
        return { x, y };
    }

    /** @param {PointerEvent} event */
    drag(event) {
        const { held } = this;
        if (!held) return;
        const { x, y } = this.point(event);
        if (!held.moved) this.keep();
        this.move(x - held.x, y - held.y, held.whole);
        this.held = { whole: held.whole, moved: true, x, y };
    }

    /** Move the chosen joint with what hangs on it, or the whole person. @param {number} x @param {number} y @param {boolean} whole */
    move(x, y, whole) {
        const { chosen } = this;
        if (!chosen) return;
        const { person, part, joint } = chosen;
        if (whole) for (const one of parts) this.shift(this.at({ person, part: one }), x, y);
        else {
            const along = part === "pose_keypoints_2d" && ALONG[joint];
            this.shift(this.at(chosen), x, y, joint);
            if (along) this.shift(this.at({ person, part: along }), x, y);
        }
        this.put();
    }

    /** @param {number[] | undefined} values @param {number} x @param {number} y @param {number} [joint] all of them if undefined */
    shift(values, x, y, joint) {
        const { canvas_width: width, canvas_height: height } = this.poses;
        for (let place = 0; values && 3 * place < values.length; place++) {
            if (joint !== undefined && place !== joint) continue;
            values[3 * place] += x;
            values[3 * place + 1] += y;
            if (joint === undefined) continue;
            values[3 * place] = Math.min(Math.max(values[3 * place], 0), width - 1);
            values[3 * place + 1] = Math.min(Math.max(values[3 * place + 1], 0), height - 1);
        }
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
        const undo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey);
        const hide = event.key in TURNS;
        if (!step && !undo && !hide) return;
        event.preventDefault();
        event.stopPropagation();
        if (undo) this.undo();
        else if (hide) this.turn();
        else if (this.chosen) {
            const far = event.shiftKey ? FAR : 1;
            this.keep();
            this.move(step[0] * far, step[1] * far, event.ctrlKey);
        }
    }

    /** Hide the chosen joint, or show it. */
    turn() {
        const { chosen } = this;
        const values = chosen && this.at(chosen);
        if (!chosen || !values) return;
        this.keep();
        values[3 * chosen.joint + 2] = values[3 * chosen.joint + 2] > 0 ? 0 : 1;
        this.put();
    }

    add() {
        this.keep();
        const { people, canvas_width: width, canvas_height: height } = this.poses;
        people.push(standing(width, height, people.length));
        this.chosen = { person: people.length - 1, part: "pose_keypoints_2d", joint: 0 };
        this.build();
        this.focusChosen();
    }

    removePerson() {
        if (!this.chosen) return;
        this.keep();
        this.poses.people.splice(this.chosen.person, 1);
        this.chosen = undefined;
        this.build();
        this.addButton.focus();
    }

    download() {
        const href = URL.createObjectURL(new Blob([JSON.stringify(this.poses)], { type: "application/json" }));
        element("a", { href, download: "pose.json" }).click();
        setTimeout(() => URL.revokeObjectURL(href), 10_000);
    }

    choose() {
        const input = element("input", { type: "file", accept: ".json,application/json", onchange: () => this.open(input.files[0]) });
        input.click();
    }

    /** Show the poses of a file; the program looks at them, and says what is wrong. @param {File} file */
    async open(file) {
        const found = await file.text().then(JSON.parse).catch(() => undefined);
        if (found === undefined) return say("This file is no JSON.");
        const answer = await call("webui/extensions/controlnet/poses/draw", { json: { poses: found } });
        if (!answer) return undefined;
        this.keep();
        this.chosen = undefined;
        return this.show(answer.poses);
    }
}

/** @param {Place} one @param {Place} other */
const same = (one, other) => one.person === other.person && one.part === other.part && one.joint === other.joint;

/**
 * Let a person change poses.
 * @param {Poses} poses @param {string} picture the address of what is shown behind; empty for none
 * @returns {Promise<Poses | undefined>} undefined: it was left as it was
 */
export function editPose(poses, picture) {
    const editor = /** @type {any} */ (element("controlnet-pose", {}));
    editor.poses = copy(poses);
    editor.picture = picture;
    const dialog = element("dialog", { class: "webui cn-pose-dialog", "aria-label": "Edit the pose" }, element("h2", {}, "Edit the pose"), editor,
        element("div", { class: "toolbar" },
            element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
            element("button", { type: "button", class: "primary", onclick: () => dialog.close("used") }, "Use it")));
    return new Promise((resolve) => {
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "used" ? editor.poses : undefined);
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

define("controlnet-pose", PoseEditor);
