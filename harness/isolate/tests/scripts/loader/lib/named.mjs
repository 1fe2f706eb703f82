import { nope, named as n } from "./babel.cjs"
