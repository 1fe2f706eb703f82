const x = () => 5; export { x as "module.exports" }; export default 1;
