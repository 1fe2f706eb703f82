// Uses require where there is none.
export const path = require('node:path');
