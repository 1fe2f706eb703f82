console.log("order2"); await 0; console.log("order2 after")
