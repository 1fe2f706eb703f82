// An ES module without a type tells about itself when it is imported, once per package; what is installed does not.
const warnings = [];
process.on('warning', (warning) => warnings.push(warning.code, warning.message));
console.log(await import('./sub/one.js'), await import('./sub/two.js'), await import('untyped'));
setTimeout(() => console.log(warnings), 1);
