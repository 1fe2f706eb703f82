export const value = await new Promise((r) => setTimeout(r, 5, "tla"))
