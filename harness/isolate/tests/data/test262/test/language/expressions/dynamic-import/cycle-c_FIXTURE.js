// A member of the cycle that is fulfilled.
import './cycle-a_FIXTURE.js';
