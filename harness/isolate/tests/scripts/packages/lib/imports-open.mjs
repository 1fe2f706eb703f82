// Imports the one that requires it.
import './open.cjs';
