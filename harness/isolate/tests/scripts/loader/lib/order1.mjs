import "./order2.mjs"; console.log("order1")
