// Declares another one below it.
export const value = 2;
const require = value;
export { require };
