// Asks for the cycle.
import './cycle-b_FIXTURE.js';
