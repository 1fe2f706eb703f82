// Tags that the name of a class has in it, has not, and where no class is.
const T=Symbol.toStringTag; const d=(o,v)=>Object.defineProperty(o,T,{value:v,configurable:true});
class FooBar{}; d(FooBar.prototype,'Foo'); class foo{}; d(foo.prototype,'FOO');
console.log(new FooBar, new foo, d(new (class Foo2 extends Map{}),'Map'), d(new (class Foo3 extends Map{}),'Foo'), d(new (class Foo4 extends Array{}),'Array'),d(new (class Foo5 extends Array{}),'Foo'));
class S1{}; d(S1,'S'); class S2 extends FooBar{}; d(S2,'S2x'); console.log(S1, S2);
function fn(){}; d(fn,'Func'); console.log(fn); function fn2(){}; d(fn2,'X'); console.log(fn2); class Fun extends Function{}; const f3=new Fun('');d(f3,'Fu');console.log(f3);
console.log(d(new (class Num2 extends Number{})(3),'Num'), d(new (class Str2 extends String{})('a'),'Q'), d(Object.create(null),'Obj'), d(Object.create(null),'Z'));
console.log(d(new (class PromiseX extends Promise{})(()=>{}),'Promise'),d(new (class U8 extends Uint8Array{})(1),'U8'));
console.log(d(new (class DateX extends Date{})(0),'Date'),d(new (class RX extends RegExp{})('a'),'R'), d(new (class Gen{}), 'G'), d({}, 'Object'), d({}, 'Obj'), d([], 'Arr'), d(new Set,'Se'));
console.log(d(new (class WM extends WeakMap{}),'W'), d(new (class AB extends ArrayBuffer{})(1),'A'));
// By the class and by the value itself, where words of the name begin and end.
const tagged = (C, tag) => new (d(C.prototype, tag) && C)();
console.log(tagged(class FooBar {}, 'Foo'), tagged(class FooBar {}, 'Bar'), tagged(class FooBar {}, 'oB'), tagged(class FooBar {}, 'fooBar'));
console.log(tagged(class Foo {}, 'FooBar'), tagged(class FooFoot {}, 'Foot'), tagged(class Foo_Bar {}, 'Foo'), tagged(class Foo$ {}, 'Foo'));
console.log(tagged(class Map2 extends Map {}, 'M'), new (class MyMap extends Map {})(), new (class Mapped extends Map {})(), [[[new (class ASet extends Set {})()]]]);
console.log(new (class FooBaz extends class {} {})(), Object.create(d({}, 'Obj')), new (class MyUint8Array extends Uint8Array {})(1), new (class My extends Uint8Array {})(1));
