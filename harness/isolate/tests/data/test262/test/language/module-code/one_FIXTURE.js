// Exports one name.
export const one = 1;
export let count = 0;
export function increase() { count += 1; }
