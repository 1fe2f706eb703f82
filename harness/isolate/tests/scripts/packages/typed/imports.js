// Imports the one that uses require.
import './uses-require.js';
