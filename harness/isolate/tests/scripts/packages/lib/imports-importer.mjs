// Imports what imports the entry.
import './imports-entry.mjs';
export const done = true;
