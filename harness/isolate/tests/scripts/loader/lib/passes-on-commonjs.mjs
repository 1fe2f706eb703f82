export { given } from './computed-names.cjs';
