// Bodies that come in parts, in every way to read them.
const base = process.env.BASE;
const decoder = new TextDecoder();

let text = '';
for await (const part of (await fetch(`${base}/parts`)).body) {
  text += decoder.decode(part, { stream: true });
}
console.log(text);
const reader = (await fetch(`${base}/parts`)).body.getReader();
text = '';
for (;;) {
  const { done, value } = await reader.read();
  if (done) {
    break;
  }
  text += decoder.decode(value);
}
console.log(text);
const response = await fetch(`${base}/parts`);
const copy = response.clone();
console.log(await response.text(), await copy.text());
const through = (await fetch(`${base}/parts`)).body.pipeThrough(new TextDecoderStream());
text = '';
for await (const part of through) {
  text += part.toUpperCase();
}
console.log(text);
console.log(await (await fetch(`${base}/gzip`)).text());
const all = await Promise.all(Array.from({ length: 20 }, async (_, i) => (await fetch(`${base}/echo?${i}`)).text()));
console.log(all.map((one) => one.split(' ')[1]).join());
await (await fetch(`${base}/flood`)).body.cancel();
console.log('cancelled');
