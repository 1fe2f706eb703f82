// Gives `util.MIMEType` and `util.MIMEParams`: parsing and writing of MIME types as the MIME Sniffing Standard says.
'use strict';

const {
  ObjectDefineProperty, RegExpPrototypeExec, SafeMap, SafeStringPrototypeSearch,
  StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeToLowerCase, SymbolIterator,
} = primordials;
const {
  codes: { ERR_INVALID_MIME_SYNTAX },
} = require('internal/errors');

const notToken = /[^!#$%&'*+\-.^_`|~A-Za-z0-9]/;
const notQuotable = /[^\t\u0020-~\u0080-\u00FF]/;
const leadingSpace = /^[\r\n\t ]*/;
const trailingSpace = /[\r\n\t ]*$/;

function isToken(text) {
  return text !== '' && RegExpPrototypeExec(notToken, text) === null;
}

function checkToken(production, value, text) {
  const at = SafeStringPrototypeSearch(value, notToken);
  if (value === '' || at !== -1) {
    throw new ERR_INVALID_MIME_SYNTAX(production, text, at);
  }
}

function parseType(text) {
  let position = RegExpPrototypeExec(leadingSpace, text)[0].length;
  const slash = StringPrototypeIndexOf(text, '/', position);
  const type = StringPrototypeToLowerCase(trimmedEnd(slash === -1 ? StringPrototypeSlice(text, position) : StringPrototypeSlice(text, position, slash)));
  const badType = SafeStringPrototypeSearch(type, notToken);
  if (type === '' || badType !== -1 || slash === -1) {
    throw new ERR_INVALID_MIME_SYNTAX('type', text, badType);
  }
  position = slash + 1;
  const semicolon = StringPrototypeIndexOf(text, ';', position);
  const raw = semicolon === -1 ? StringPrototypeSlice(text, position) : StringPrototypeSlice(text, position, semicolon);
  const subtype = StringPrototypeToLowerCase(trimmedEnd(raw));
  const badSubtype = SafeStringPrototypeSearch(subtype, notToken);
  if (subtype === '' || badSubtype !== -1) {
    throw new ERR_INVALID_MIME_SYNTAX('subtype', text, badSubtype);
  }
  return { type, subtype, rest: semicolon === -1 ? '' : StringPrototypeSlice(text, semicolon + 1) };
}

function trimmedEnd(text) {
  return StringPrototypeSlice(text, 0, SafeStringPrototypeSearch(text, trailingSpace));
}

function quoted(text, from) {
  let value = '';
  let i = from + 1;
  for (; i < text.length && text[i] !== '"'; i++) {
    if (text[i] === '\\' && i + 1 < text.length) {
      i++;
    }
    value += text[i];
  }
  return { value, end: i + 1 };
}

function encodeValue(value) {
  if (value.length === 0) {
    return '""';
  }
  if (isToken(value)) {
    return value;
  }
  let escaped = '';
  for (let i = 0; i < value.length; i++) {
    escaped += value[i] === '"' || value[i] === '\\' ? `\\${value[i]}` : value[i];
  }
  return `"${escaped}"`;
}

class MIMEParams {
  #data = new SafeMap();

  // Parsing is a private matter of `MIMEType`.
  static parse(text, params) {
    const data = params.#data;
    let position = 0;
    while (position < text.length) {
      position += RegExpPrototypeExec(leadingSpace, StringPrototypeSlice(text, position))[0].length;
      let end = SafeStringPrototypeSearch(StringPrototypeSlice(text, position), /[;=]/);
      end = end === -1 ? text.length : end + position;
      const name = StringPrototypeToLowerCase(StringPrototypeSlice(text, position, end));
      position = end;
      if (position >= text.length) {
        break;
      }
      if (text[position] === ';') {
        position++;
        continue;
      }
      position++;
      let value;
      if (text[position] === '"') {
        const result = quoted(text, position);
        ({ value } = result);
        const next = StringPrototypeIndexOf(text, ';', result.end);
        position = next === -1 ? text.length : next;
      } else {
        const next = StringPrototypeIndexOf(text, ';', position);
        const stop = next === -1 ? text.length : next;
        value = trimmedEnd(StringPrototypeSlice(text, position, stop));
        position = stop;
        if (value === '') {
          position++;
          continue;
        }
      }
      position++;
      if (isToken(name) && RegExpPrototypeExec(notQuotable, value) === null && !data.has(name)) {
        data.set(name, value);
      }
    }
    return params;
  }

  delete(name) {
    this.#data.delete(`${name}`);
  }

  get(name) {
    return this.#data.get(`${name}`) ?? null;
  }

  has(name) {
    return this.#data.has(`${name}`);
  }

  set(name, value) {
    const key = `${name}`;
    const text = `${value}`;
    checkToken('parameter name', key, key);
    const at = SafeStringPrototypeSearch(text, notQuotable);
    if (at !== -1) {
      throw new ERR_INVALID_MIME_SYNTAX('parameter value', text, at);
    }
    this.#data.set(key, text);
  }

  *entries() {
    yield* this.#data.entries();
  }

  *keys() {
    yield* this.#data.keys();
  }

  *values() {
    yield* this.#data.values();
  }

  toString() {
    let text = '';
    this.#data.forEach((value, name) => {
      text += `${text === '' ? '' : ';'}${name}=${encodeValue(value)}`;
    });
    return text;
  }
}
ObjectDefineProperty(MIMEParams.prototype, SymbolIterator, {
  __proto__: null, configurable: true, writable: true, value: MIMEParams.prototype.entries,
});
ObjectDefineProperty(MIMEParams.prototype, 'toJSON', {
  __proto__: null, configurable: true, writable: true, value: MIMEParams.prototype.toString,
});
const { parse } = MIMEParams;
delete MIMEParams.parse;

class MIMEType {
  #type;
  #subtype;
  #parameters;

  constructor(input) {
    const text = `${input}`;
    const parsed = parseType(text);
    this.#type = parsed.type;
    this.#subtype = parsed.subtype;
    this.#parameters = parse(parsed.rest, new MIMEParams());
  }

  get type() {
    return this.#type;
  }

  set type(value) {
    const text = `${value}`;
    checkToken('type', text, text);
    this.#type = StringPrototypeToLowerCase(text);
  }

  get subtype() {
    return this.#subtype;
  }

  set subtype(value) {
    const text = `${value}`;
    checkToken('subtype', text, text);
    this.#subtype = StringPrototypeToLowerCase(text);
  }

  get essence() {
    return `${this.#type}/${this.#subtype}`;
  }

  get params() {
    return this.#parameters;
  }

  toString() {
    const parameters = this.#parameters.toString();
    return `${this.#type}/${this.#subtype}${parameters === '' ? '' : `;${parameters}`}`;
  }
}
ObjectDefineProperty(MIMEType.prototype, 'toJSON', {
  __proto__: null, configurable: true, writable: true, value: MIMEType.prototype.toString,
});

module.exports = { MIMEParams, MIMEType };
