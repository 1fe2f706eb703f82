// process.env coerces to text like an environment.
const t = (f) => { try { console.log(f()); } catch (e) { console.log(e.name, e.code, e.message); } };
for (const k of Object.keys(process.env)) delete process.env[k];
t(() => Object.keys(process.env)); t(() => { process.env.A = 1; return process.env.A === '1'; }); t(() => { process.env.U = undefined; return process.env.U; });
t(() => { process.env.N = null; return typeof process.env.N; }); t(() => { process.env.O = { toString: () => 'obj' }; return process.env.O; });
t(() => Object.defineProperty(process.env, 'B', { value: 1 })); t(() => Object.defineProperty(process.env, 'B', { get() { return 1; } }));
t(() => { Object.defineProperty(process.env, 'B', { value: 7, configurable: true, writable: true, enumerable: true }); return process.env.B; });
t(() => { process.env[Symbol('x')] = 1; }); t(() => process.env[Symbol('x')]); t(() => { process.env.S = Symbol('q'); });
t(() => Object.prototype.toString.call(process.env)); t(() => 'toString' in process.env); t(() => delete process.env.nope); t(() => delete process.env.A && process.env.A);
t(() => JSON.stringify(process.env)); t(() => ({ ...process.env })); t(() => Object.entries(process.env).join('|')); t(() => process.env.hasOwnProperty('B'));
t(() => { 'use strict'; process.env.Z = true; return process.env.Z; }); t(() => process.env); t(() => Object.getOwnPropertyDescriptor(process.env, 'Z'));
