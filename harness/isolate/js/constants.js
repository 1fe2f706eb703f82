// The module `constants`: all the numbers in one frozen object, for packages older than `os.constants`.
'use strict';

const { ObjectAssign, ObjectFreeze } = primordials;

const { dlopen, errno, priority, signals, fs, crypto } = require('internal/os_constants');

ObjectFreeze(ObjectAssign(exports, dlopen, errno, priority, signals, fs, crypto));
