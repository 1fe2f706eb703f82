// Prints module namespaces, also ones whose module has not run.
import util from 'node:util';
import * as self from './namespaces.mjs';
import { inspect, format, promisify, types } from 'util';
import EventEmitter, { once, EventEmitter as EE2 } from 'events';
import assert, { strictEqual, AssertionError } from 'assert';
import strict from 'assert/strict';
console.log(self);
export const late = 1;
export let other = { a: 1 };
export default function named() {}
export class Klass {}
console.log(self, types.isModuleNamespaceObject(self), inspect(self, { showHidden: true }));
console.log(EventEmitter === EE2, typeof once, typeof strictEqual, strict === assert.strict, AssertionError.name, typeof format, typeof promisify, util.inspect === inspect);
console.log(Object.keys(await import('node:async_hooks')).sort().join(), Object.keys(await import('node:diagnostics_channel')).sort().join(), Object.keys(await import('util/types')).length);
console.log(Object.keys(await import('node:assert')).sort().join()); console.log(Object.keys(await import('node:events')).sort().join()); console.log(Object.keys(await import('node:util')).sort().join()); console.log(Object.keys(await import('node:perf_hooks')).sort().join());
const d = Object.getOwnPropertyDescriptor(util, 'types'); console.log(d.enumerable, d.writable);
