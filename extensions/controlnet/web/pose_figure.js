// @ts-check
// OpenPose's figure: its joints in their order, the limbs between them, a standing person, and places for joints that nobody has seen.

/** @typedef {{pose_keypoints_2d: number[], hand_left_keypoints_2d?: number[] | null, hand_right_keypoints_2d?: number[] | null, face_keypoints_2d?: number[] | null}} Person */
/** @typedef {{people: Person[], canvas_width: number, canvas_height: number}} Poses coordinates in pixels of the canvas */
/** @typedef {"pose_keypoints_2d" | "hand_left_keypoints_2d" | "hand_right_keypoints_2d" | "face_keypoints_2d"} Part */

/** The body's joints, as OpenPose counts them; left and right are the person's own. */
export const JOINTS = ["Nose", "Neck", "Right shoulder", "Right elbow", "Right wrist", "Left shoulder", "Left elbow", "Left wrist", "Right hip",
    "Right knee", "Right ankle", "Left hip", "Left knee", "Left ankle", "Right eye", "Left eye", "Right ear", "Left ear"];
const LIMBS = [[1, 2], [1, 5], [2, 3], [3, 4], [5, 6], [6, 7], [1, 8], [8, 9], [9, 10], [1, 11], [11, 12], [12, 13], [1, 0], [0, 14], [14, 16],
    [0, 15], [15, 17]];
const FINGERS = Array.from({ length: 20 }, (_, place) => [place % 4 ? place : 0, place + 1]);
/** @type {Record<Part, {edges: number[][], of: string}>} `of`: its name where it is not the body */
export const PARTS = {
    pose_keypoints_2d: { edges: LIMBS, of: "" },
    hand_left_keypoints_2d: { edges: FINGERS, of: "Left hand" },
    hand_right_keypoints_2d: { edges: FINGERS, of: "Right hand" },
    face_keypoints_2d: { edges: [], of: "Face" },
};
/** What goes along when a joint of the body is moved. @type {Record<number, Part>} */
export const ALONG = { 0: "face_keypoints_2d", 4: "hand_right_keypoints_2d", 7: "hand_left_keypoints_2d" };
/** Somebody who faces the viewer, in parts of the height, from the middle of the crown. */
const STANDING = [[0, 0.08], [0, 0.19], [-0.105, 0.19], [-0.13, 0.35], [-0.145, 0.5], [0.105, 0.19], [0.13, 0.35], [0.145, 0.5], [-0.065, 0.51],
    [-0.07, 0.73], [-0.075, 0.95], [0.065, 0.51], [0.07, 0.73], [0.075, 0.95], [-0.025, 0.06], [0.025, 0.06], [-0.055, 0.075], [0.055, 0.075]];
const TALL = 0.85; // of the canvas's height
const SPOTS = [0.5, 0.25, 0.75, 0.375, 0.625]; // of the width, for one person after the other

/** The colour of a bone or a joint of the body. @param {number} place @param {number} of @param {number} light */
export const colour = (place, of, light = 50) => ["hsl(", (360 * place) / of, " 100% ", light, "%)"].join("");

/** Somebody standing. @param {number} width @param {number} height @param {number} number how many are there already @returns {Person} */
export function standing(width, height, number) {
    const tall = Math.min(TALL * height, width * 2);
    const [left, top] = [width * SPOTS[number % SPOTS.length], (height - tall) / 2];
    return { pose_keypoints_2d: STANDING.flatMap(([x, y]) => [left + x * tall, top + y * tall, 1]) };
}

/** Give each joint of a body that has no place one beside those that have, inside the canvas. @param {number[]} body @param {number} width @param {number} height */
export function placed(body, width, height) {
    const known = new Set([...JOINTS.keys()].filter((joint) => body[3 * joint + 2] > 0));
    const has = (/** @type {number} */ joint) => Boolean(body[3 * joint] || body[3 * joint + 1]); // a hidden one keeps its place
    if (!known.size) return;
    const both = LIMBS.filter(([one, other]) => known.has(one) && known.has(other));
    const length = (/** @type {number[]} */ [one, other]) => Math.hypot(body[3 * one] - body[3 * other], body[3 * one + 1] - body[3 * other + 1]);
    const wanted = (/** @type {number[]} */ [one, other]) => Math.hypot(STANDING[one][0] - STANDING[other][0], STANDING[one][1] - STANDING[other][1]);
    const sum = (/** @type {(limb: number[]) => number} */ measure) => both.reduce((total, limb) => total + measure(limb), 0);
    const tall = both.length ? sum(length) / sum(wanted) : 200;
    const missing = [...JOINTS.keys()].filter((joint) => !known.has(joint) && !has(joint));
    for (const joint of JOINTS.keys()) if (has(joint)) known.add(joint);
    for (let more = true; more;) {
        more = false;
        for (const [one, other] of [...LIMBS, ...LIMBS.map(([one, other]) => [other, one])]) {
            if (!known.has(one) || known.has(other)) continue;
            for (const axis of [0, 1]) body[3 * other + axis] = body[3 * one + axis] + (STANDING[other][axis] - STANDING[one][axis]) * tall;
            known.add(other);
            more = true;
        }
    }
    for (const joint of missing) {
        body[3 * joint] = Math.min(Math.max(body[3 * joint], 0), width - 1);
        body[3 * joint + 1] = Math.min(Math.max(body[3 * joint + 1], 0), height - 1);
    }
}
