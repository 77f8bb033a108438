// @ts-check
// Sizes, times and names as the Models tab says them.

/** @type {Record<string, string>} */
export const FAMILIES = { sd1: "SD 1", sd2: "SD 2", sdxl: "SDXL", "sdxl-refiner": "SDXL refiner", sd3: "SD 3", flux: "Flux" };
const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** @param {number | null | undefined} bytes */
export function sizeOf(bytes) {
    if (bytes === null || bytes === undefined) return "size unknown";
    let [size, unit] = [bytes, 0];
    while (size >= 1000 && unit < UNITS.length - 1) [size, unit] = [size / 1024, unit + 1];
    return `${unit && size < 100 ? size.toFixed(size < 10 ? 2 : 1) : Math.round(size)} ${UNITS[unit]}`;
}

/** @param {number} seconds since 1970 */
export const dayOf = (seconds) => new Date(seconds * 1000).toLocaleDateString(document.documentElement.lang || undefined,
    { dateStyle: "medium" });

/** @param {number} seconds */
export function lasting(seconds) {
    if (seconds < 60) return `${Math.max(Math.round(seconds), 1)} s`;
    if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
    return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** @param {number | null | undefined} count */
export const short = (count) => (count ?? 0) >= 10000 ? `${Math.round((count ?? 0) / 1000)}k` : String(count ?? 0);
