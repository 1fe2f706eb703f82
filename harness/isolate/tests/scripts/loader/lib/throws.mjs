throw new RangeError("evaluated")
