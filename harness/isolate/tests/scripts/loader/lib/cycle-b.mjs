import { a2 } from "./cycle-a.mjs"; let tdz; try { tdz = a2() } catch (e) { tdz = e.name } export default tdz
