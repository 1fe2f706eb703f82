import b from "./cycle-b.mjs"; export default function a() { return "a" + b }; export { a2 }; function a2() { return "a2" }
