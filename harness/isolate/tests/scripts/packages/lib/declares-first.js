// Declares a name of the CommonJS wrapper above its export.
const module = 1;
export { module };
