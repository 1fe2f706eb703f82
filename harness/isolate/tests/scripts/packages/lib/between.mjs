// Between the entry and the CommonJS module.
import './requirer.cjs';
console.log('between');
