require("./rc.mjs")
