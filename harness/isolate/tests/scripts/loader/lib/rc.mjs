import "./rc.cjs"; export const rc = 1;
