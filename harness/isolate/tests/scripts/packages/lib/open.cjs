// Runs while a module that imports it is required.
'use strict';
require('./imports-open.mjs');
