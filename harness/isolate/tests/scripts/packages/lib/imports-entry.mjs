// Imports the entry, which is CommonJS and still runs at first.
import { early } from '../cycles.cjs';
console.log('early', early);
