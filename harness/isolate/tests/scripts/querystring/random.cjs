// Random texts through every function of `querystring`.
'use strict';
const qs=require('querystring');
let s=99;const rnd=n=>{s=(Math.imul(s,1664525)+1013904223)>>>0;return (s>>>8)%n};
const al=['a','b','=','&','+','%20','%','%zz','%e9','%C3%A9','é','中',';',':','&&','==','%2','\ud800',' ','%F0%9F%98%80','😀','__proto__','hasOwnProperty','"',"'",'(','!','*','~'];
const str=()=>{let r='';for(let n=rnd(9);n>0;n--)r+=al[rnd(al.length)];return r};
const t=f=>{try{return f()}catch(e){return '!'+e.name+e.code+e.message}};
for(let i=0;i<400;i++){const a=str(),b=str();
 console.log("%s",[JSON.stringify([a,b]),t(()=>JSON.stringify(Object.entries(qs.parse(a)))),t(()=>JSON.stringify(Object.entries(qs.parse(a,';',':',{maxKeys:rnd(3)})))),t(()=>JSON.stringify(qs.unescape(a))),t(()=>qs.unescapeBuffer(a,i%2).toString('hex')),t(()=>qs.escape(a)),t(()=>qs.stringify({[a]:b,x:[a,1,true,null,NaN,2n]},i%2?';':undefined,i%3?':':undefined)),t(()=>JSON.stringify(Object.entries(qs.parse(a,'&','=',{decodeURIComponent:x=>{if(x==='a')throw 1;return '<'+x+'>'}})))),t(()=>JSON.stringify(Object.entries(qs.parse(a,'&&','=='))))].join(" "));
}
console.log(t(()=>qs.escape({toString(){return 'x y'}})),t(()=>qs.escape(Symbol())),t(()=>qs.stringify('x')),t(()=>qs.parse(null)+''),t(()=>qs.stringify({a:'b c'},null,null,{encodeURIComponent:x=>'<'+x+'>'})),t(()=>qs.escape()),t(()=>qs.parse.length+qs.stringify.length+qs.escape.name));
