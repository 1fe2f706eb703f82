// An ES module that its package does not announce.
export const one = 1;
