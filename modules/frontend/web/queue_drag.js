// @ts-check
// Dragging a waiting job to another place, with the mouse, a finger or a pen. While it is dragged only a mark moves: the lines stay.

/**
 * @param {HTMLElement} list of lines with `data-job`; those that can move have a `.grip`
 * @param {(id: string, before: string | null) => unknown} drop is told where a line was let go: before which one, or last
 */
export function startDrag(list, drop) {
    list.addEventListener("pointerdown", (event) => {
        const grip = event.target instanceof Element ? event.target.closest(".grip") : null;
        const row = /** @type {HTMLElement | null} */ (grip?.closest("li.queued") ?? null);
        if (row && event.button === 0) drag(list, row, event, drop);
    });
}

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} row
 * @param {PointerEvent} begun
 * @param {(id: string, before: string | null) => unknown} drop
 */
function drag(list, row, begun, drop) {
    const end = new AbortController();
    const how = { signal: end.signal };
    /** @type {HTMLElement | null | undefined} the line before which it would stand, null: last, undefined: where it is */
    let place;
    row.classList.add("dragged");
    const finish = (/** @type {boolean} */ keep) => {
        end.abort();
        row.classList.remove("dragged");
        mark(list, undefined);
        if (keep && place !== undefined && row.isConnected) drop(row.dataset.job ?? "", place?.dataset.job ?? null);
    };
    window.addEventListener("pointermove", (event) => {
        if (event.pointerId !== begun.pointerId) return;
        event.preventDefault();
        place = lineAt(list, row, event.clientY);
        mark(list, place);
        if (event.clientY < 60 || event.clientY > innerHeight - 60) scrollBy({ top: event.clientY < 60 ? -20 : 20 });
    }, how);
    window.addEventListener("pointerup", (event) => event.pointerId === begun.pointerId && finish(true), how);
    window.addEventListener("pointercancel", () => finish(false), how);
    window.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        finish(false);
    }, { capture: true, ...how });
}

/** @param {HTMLElement} list @param {HTMLElement} row @param {number} y @returns {HTMLElement | null | undefined} */
function lineAt(list, row, y) {
    const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(":scope > li.queued")]);
    const after = rows.find((each) => {
        const { top, height } = each.getBoundingClientRect();
        return y < top + height / 2;
    }) ?? null;
    const next = rows[rows.indexOf(row) + 1] ?? null;
    return after === row || after === next ? undefined : after;
}

/** Show where it would stand. @param {HTMLElement} list @param {HTMLElement | null | undefined} place */
function mark(list, place) {
    for (const each of list.children) each.classList.toggle("drop-before", each === place);
    list.classList.toggle("drop-last", place === null);
}
