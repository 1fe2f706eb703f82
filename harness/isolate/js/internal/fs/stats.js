// Stats, BigIntStats, StatFs and Dirent: what `fs` tells of an entry.
'use strict';

const {
  BigInt,
  Date,
  FunctionPrototypeCall,
  MathCeil,
  MathRound,
  Number,
  ObjectDefineProperties,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  Symbol,
} = primordials;

const { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } = require('internal/fs/constants');

function StatsBase(dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks) {
  this.dev = dev;
  this.mode = mode;
  this.nlink = nlink;
  this.uid = uid;
  this.gid = gid;
  this.rdev = rdev;
  this.blksize = blksize;
  this.ino = ino;
  this.size = size;
  this.blocks = blocks;
}

for (const [name, type] of [
  ['isDirectory', S_IFDIR],
  ['isFile', S_IFREG],
  ['isBlockDevice', S_IFBLK],
  ['isCharacterDevice', S_IFCHR],
  ['isSymbolicLink', S_IFLNK],
  ['isFIFO', S_IFIFO],
  ['isSocket', S_IFSOCK],
]) {
  StatsBase.prototype[name] = function() {
    return this._checkModeProperty(type);
  };
}

function Stats(dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks,
               atimeMs, mtimeMs, ctimeMs, birthtimeMs) {
  FunctionPrototypeCall(StatsBase, this, dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks);
  this.atimeMs = atimeMs;
  this.mtimeMs = mtimeMs;
  this.ctimeMs = ctimeMs;
  this.birthtimeMs = birthtimeMs;
}
ObjectSetPrototypeOf(Stats.prototype, StatsBase.prototype);
ObjectSetPrototypeOf(Stats, StatsBase);

Stats.prototype._checkModeProperty = function(property) {
  return (this.mode & S_IFMT) === property;
};

function BigIntStats(dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks, timeNs) {
  FunctionPrototypeCall(StatsBase, this, dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks);
  const timeMs = timeNs / 1_000_000n;
  this.atimeMs = timeMs;
  this.mtimeMs = timeMs;
  this.ctimeMs = timeMs;
  this.birthtimeMs = timeMs;
  this.atimeNs = timeNs;
  this.mtimeNs = timeNs;
  this.ctimeNs = timeNs;
  this.birthtimeNs = timeNs;
}
ObjectSetPrototypeOf(BigIntStats.prototype, StatsBase.prototype);
ObjectSetPrototypeOf(BigIntStats, StatsBase);

BigIntStats.prototype._checkModeProperty = function(property) {
  return (this.mode & BigInt(S_IFMT)) === BigInt(property);
};

function dateOf(ms) {
  return new Date(MathRound(Number(ms)));
}

// Dates are made when they are asked for, and are properties of the object from then on.
function lazyDate(name) {
  const source = `${name}Ms`;
  return {
    __proto__: null,
    enumerable: true,
    configurable: true,
    get() {
      const value = dateOf(this[source]);
      ObjectDefineProperty(this, name, {
        __proto__: null, value, writable: true, enumerable: true, configurable: true,
      });
      return value;
    },
    set(value) {
      ObjectDefineProperty(this, name, {
        __proto__: null, value, writable: true, enumerable: true, configurable: true,
      });
    },
  };
}

for (const { prototype } of [Stats, BigIntStats]) {
  ObjectDefineProperties(prototype, {
    atime: lazyDate('atime'),
    mtime: lazyDate('mtime'),
    ctime: lazyDate('ctime'),
    birthtime: lazyDate('birthtime'),
  });
}

const DEVICE = 1;
const BLOCK = 4096;

// From the six facts of `native.fs.stat`. Owner and device are fixed: whose files these are on the host is not shown.
function makeStats(facts, bigint) {
  // Not destructured: that would go through an iterator that a guest may have replaced.
  const mode = facts[0];
  const nlink = facts[1];
  const ino = facts[2];
  const size = facts[3];
  const seconds = facts[4];
  const nanoseconds = facts[5];
  const blocks = MathCeil(size / 512);
  if (bigint) {
    const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
    return new BigIntStats(
      BigInt(DEVICE), BigInt(mode), BigInt(nlink), 0n, 0n, 0n, BigInt(BLOCK), BigInt(ino), BigInt(size), BigInt(blocks),
      time);
  }
  const time = seconds * 1000 + nanoseconds / 1e6;
  return new Stats(DEVICE, mode, nlink, 0, 0, 0, BLOCK, ino, size, blocks, time, time, time, time);
}

function StatFs(type, bsize, frsize, blocks, bfree, bavail, files, ffree) {
  this.type = type;
  this.bsize = bsize;
  this.frsize = frsize;
  this.blocks = blocks;
  this.bfree = bfree;
  this.bavail = bavail;
  this.files = files;
  this.ffree = ffree;
}

// A full disk: nothing can be written.
function makeStatFs(bigint) {
  const number = bigint ? BigInt : (value) => value;
  return new StatFs(number(0x858458f6), number(BLOCK), number(BLOCK), number(0), number(0), number(0), number(0), number(0));
}

const kType = Symbol('type');

class Dirent {
  constructor(name, parentPath, type) {
    this.name = name;
    this.parentPath = parentPath;
    this[kType] = type;
  }

  isDirectory() {
    return this[kType] === 2;
  }

  isFile() {
    return this[kType] === 1;
  }

  isBlockDevice() {
    return this[kType] === 7;
  }

  isCharacterDevice() {
    return this[kType] === 6;
  }

  isSymbolicLink() {
    return this[kType] === 3;
  }

  isFIFO() {
    return this[kType] === 4;
  }

  isSocket() {
    return this[kType] === 5;
  }
}

module.exports = { BigIntStats, Dirent, Stats, makeStatFs, makeStats };
