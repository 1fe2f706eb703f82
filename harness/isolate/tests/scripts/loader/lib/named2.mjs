import { nope } from "./live.mjs"
