import { given as mine } from './computed-names.cjs';

console.log(mine);
