// The root of the cycle: it fails late.
import './cycle-c_FIXTURE.js';
await 0;
throw new Error('late error');
