// A member of the cycle that waits.
import './cycle-b_FIXTURE.js';
await 0;
