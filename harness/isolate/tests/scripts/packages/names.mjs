// The names of CommonJS in an ES module, each with Node's advice.
for (const name of ['require', 'module', 'exports', '__filename', '__dirname', 'other']) {
  for (const prefix of ['', 'await 1;']) {
    const source = `${prefix}${name}.x`;
    await import(`data:text/javascript,${source}`).catch((error) => console.log(source, error.code, error.message));
  }
}
await import('./typed/uses-require.js').catch((error) => console.log(error.message));
await import('./typed/imports.js').catch((error) => console.log(error.message));
