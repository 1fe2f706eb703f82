// Prints nested styles.
'use strict';
const u=require('util'); const o={validateStream:false};
for (const [a,b] of [['bold','dim'],['dim','bold'],['red','bgBlue'],['underline','doubleunderline'],['bold','bold']]) console.log(JSON.stringify(u.styleText(a,'a'+u.styleText(b,'b',o)+'c',o)));
console.log(JSON.stringify(u.styleText(['bold','red'],'a'+u.styleText('blue','b',o)+'c',o)));
