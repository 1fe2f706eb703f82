// `url.parse`, `resolve`, `resolveObject` and `format` over random texts.
'use strict';
const url=require('url');
let s=4242;const rnd=n=>{s=(Math.imul(s,1664525)+1013904223)>>>0;return (s>>>8)%n};
const al=['http:','https:','file:','mailto:','javascript:','//','/','/','a','B.com','..','.','?','#','@',':','80','u:p@','x=1','&','%20',' ','\t','\n','\\','[::1]','\u4e2d','é','{','|',"'",'"','ws:','foo:','data','*','%zz'];
const str=()=>{let r='';for(let n=rnd(9);n>=0;n--)r+=al[rnd(al.length)];return r};
const keys=['protocol','slashes','auth','host','port','hostname','hash','search','query','pathname','path','href'];
const dump=u=>u===undefined?'undef':keys.map(k=>typeof u[k]==='object'?JSON.stringify(u[k]):String(u[k])).join('~');
for(let i=0;i<250;i++){const a=str(),b=str();const t=f=>{try{return f()}catch(e){return '!'+e.name+e.code+e.message}};
 console.log(JSON.stringify([a,b]));
 console.log(' P',t(()=>dump(url.parse(a))));console.log(' Q',t(()=>dump(url.parse(a,true,true))));console.log(' R',t(()=>url.resolve(a,b)));console.log(' O',t(()=>dump(url.resolveObject(a,b))));console.log(' F',t(()=>url.format(a)));}
