// Every function of both flavours of `path` over random paths.
'use strict';
const path=require('path');
let s=12345;const rnd=n=>{s=(Math.imul(s,1664525)+1013904223)>>>0;return (s>>>8)%n};
const al=['/','\\','.','..','a','b.c','C:','c:','?','CON',':','LPT1:','foo.','.x','\\\\','//','d','D:\\','...'];
const str=()=>{let r='';for(let n=rnd(7);n>0;n--)r+=al[rnd(al.length)];return r};
for(let i=0;i<150;i++){const a=str(),b=str(),c=str();
 for(const [n,p] of [['p',path.posix],['w',path.win32]]){
  const out=[];const t=f=>{let v;try{v=f()}catch(e){v='!'+e.message}out.push(typeof v==='string'?v:JSON.stringify(v))};
  t(()=>p.normalize(a));t(()=>p.join(a,b,c));t(()=>p.resolve('/w',a,b));t(()=>p.resolve('C:\\w',a,b));t(()=>p.resolve(a));t(()=>p.dirname(a));t(()=>p.basename(a));t(()=>p.basename(a,b));t(()=>p.extname(a));t(()=>p.parse(a));t(()=>p.format(p.parse(a)));t(()=>p.relative('/w/'+a,'/w/'+b));t(()=>p.relative('C:\\'+a,'C:\\'+b));t(()=>p.relative(a,b));t(()=>p.isAbsolute(a));t(()=>p.toNamespacedPath(a));
  console.log(JSON.stringify([n,a,b,c])+' '+out.map((x,k)=>k+'='+x).join(' | '));
 }}
