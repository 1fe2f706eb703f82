throw new TypeError("thrown")
