export default class D {}; export const a = 1;
