// `new URL` over random texts, with and without a base, and every setter with random values.
'use strict';
let s=31337;const rnd=n=>{s=(Math.imul(s,1664525)+1013904223)>>>0;return (s>>>8)%n};
const al=['http:','https:','file:','mailto:','javascript:','//','/','/','a','B.com','..','.','?','#','@',':','80','u:p@','x=1','&','%20',' ','\t','\n','\\','[::1]','\u4e2d','é','{','|',"'",'"','ws:','foo:','data:','*','%zz','C:','c|','1.2.3','0x7f','%2e','%2E%2e','xn--','☃','ß','%41','443','[','^','`','<','\x00','\x7f','\ud800','%00','blob:','\u00ad','..%2f','＃','a_b','~','1e3','256','4294967295','[1:2::ffff:1.2.3.4]','localhost'];
const str=(m)=>{let r='';for(let n=rnd(m||8);n>=0;n--)r+=al[rnd(al.length)];return r};
const keys=['href','origin','protocol','username','password','host','hostname','port','pathname','search','hash'];
const dump=u=>JSON.stringify(keys.map(k=>u[k]));
const t=f=>{try{return f()}catch(e){return '!'+e.name+e.code+e.message}};
const pre=['','http://','https://u@','file:///','foo://','foo:','ws://h/','http://h?','file://','http:','https:\\\\'];
for(let i=0;i<120;i++){let a=pre[rnd(pre.length)]+str();const b=str();
 // With a base of opaque path ada 3.4 takes some relative references that the standard refuses: not tried.
 if(/^foo:(?!\/)/.test(a.replace(/[\t\n]/g,'')))a='http://h/';
 console.log('N '+JSON.stringify([a,b])+' '+t(()=>dump(new URL(a)))+' '+t(()=>dump(new URL(b,a)))+' '+URL.canParse(b));
 const base=['http://u:p@h.com:81/a/b?c#d','file:///x/y','foo://h/p','mailto:x@y','https://h','foo:/a/b','data:text,x'][rnd(7)];
 for(const k of ['protocol','username','password','host','hostname','port','pathname','search','hash']){const v=str(4);console.log('S '+JSON.stringify([base,k,v])+' '+t(()=>{const u=new URL(base);u[k]=v;return dump(u)}))}
}
