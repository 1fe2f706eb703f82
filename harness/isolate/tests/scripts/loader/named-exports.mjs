// What is told of a name that a CommonJS module does not offer: more of the imported module itself than of the graph below it.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const told = (error) => console.log(error.name, error.message);

await import('./lib/asks-commonjs.mjs').catch(told);
await import('./lib/passes-on-commonjs.mjs').catch(told);
await import('./lib/deeper-commonjs.mjs').catch(told);
try {
  require('./lib/required-asks-commonjs.mjs');
} catch (error) {
  told(error);
}
