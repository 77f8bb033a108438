// @ts-check
// Where the cells of a very long grid stand, in pixels from its top; nothing here touches the page.

/** @typedef {{title: string, count: number}} Section */
/** @typedef {{title: string, first: number, count: number, rows: number, row: number, top: number, body: number}} Block */

/** Rows of equal cells, in blocks: one for each section that has any. A block with a title has a heading above its rows. */
export class Layout {
    /**
     * @param {object} facts
     * @param {number} facts.count
     * @param {Section[]} facts.sections none for one block without a title
     * @param {number} facts.width
     * @param {number} facts.cell the least width of a cell
     * @param {number | ((width: number) => number)} [facts.height] of a cell; as wide if missing
     * @param {number} facts.gap
     * @param {number} facts.heading the height of a heading
     */
    constructor({ count, sections, width, cell, height, gap, heading }) {
        this.count = count;
        this.columns = Math.max(1, Math.floor((width + gap) / (cell + gap)));
        this.cellWidth = (width - gap * (this.columns - 1)) / this.columns;
        this.cellHeight = typeof height === "function" ? height(this.cellWidth) : height ?? this.cellWidth;
        this.gap = gap;
        this.step = this.cellHeight + gap;
        /** @type {Block[]} */
        this.blocks = [];
        let [first, row, top] = [0, 0, 0];
        for (const { title, count: length } of sections.length ? sections : [{ title: "", count }]) {
            if (!length) continue;
            const rows = Math.ceil(length / this.columns);
            const body = top + (title ? heading : 0);
            this.blocks.push({ title, first, count: length, rows, row, top, body });
            first += length;
            row += rows + (title ? 1 : 0);
            top = body + rows * this.step;
        }
        this.rows = row;
        this.height = Math.max(0, top - gap);
    }

    /** The number of the last block that `test` holds for; it holds for all before that. @param {(block: Block) => boolean} test */
    last(test) {
        let [low, high] = [0, this.blocks.length - 1];
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (test(this.blocks[middle])) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    /** The block of a cell. @param {number} index */
    block(index) {
        return this.blocks[this.last((block) => block.first <= index)];
    }

    /** @param {number} index @returns {number} the top of a cell */
    top(index) {
        const block = this.block(index);
        return block.body + Math.floor((index - block.first) / this.columns) * this.step;
    }

    /** The first cell of the row that stands at a height, or below it. @param {number} top */
    at(top) {
        const block = this.blocks[this.last((one) => one.top <= top)];
        const row = Math.max(0, Math.min(block.rows - 1, Math.floor((top - block.body) / this.step)));
        return block.first + row * this.columns;
    }

    /**
     * The first and the last row of a block that touch a stretch; the first is greater than the last if there are none.
     * @param {Block} block
     * @param {number} from
     * @param {number} to
     */
    rowsBetween(block, from, to) {
        const [first, last] = [from, to].map((height) => Math.floor((height - block.body) / this.step));
        return [Math.max(0, first), Math.min(block.rows - 1, last)];
    }

    /**
     * The cell some rows below another, above for a negative number: over the headings, in the same column if it can be.
     * @param {number} index
     * @param {number} rows
     */
    below(index, rows) {
        let number = this.last((block) => block.first <= index);
        const column = (index - this.blocks[number].first) % this.columns;
        let row = Math.floor((index - this.blocks[number].first) / this.columns) + rows;
        while (row < 0 && number > 0) row += this.blocks[--number].rows;
        while (row >= this.blocks[number].rows && number < this.blocks.length - 1) row -= this.blocks[number++].rows;
        const { first, count, rows: all } = this.blocks[number];
        return Math.min(first + Math.max(0, Math.min(row, all - 1)) * this.columns + column, first + count - 1);
    }
}
