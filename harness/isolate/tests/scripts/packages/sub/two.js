// Another one.
export const two = 2;
