export default await Promise.resolve("ambiguous")
