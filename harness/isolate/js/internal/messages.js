// Messages inside one program: MessageEvent, CloseEvent, MessageChannel, MessagePort, BroadcastChannel, and a WebSocket that connects nowhere.
'use strict';

const {
  ArrayIsArray, ArrayPrototypePush, ArrayPrototypeShift, ObjectDefineProperties, ObjectDefineProperty, ReflectApply,
  SafeMap, SafeSet, SymbolToStringTag,
} = primordials;

const {
  codes: { ERR_CONSTRUCT_CALL_INVALID, ERR_INVALID_ARG_TYPE, ERR_MISSING_ARGS },
} = require('internal/errors');
const { kEnumerableProperty, lazyDOMException } = require('internal/util');
const { Event, EventTarget, defineEventHandler } = require('internal/event_target');
const { refused } = require('internal/process/refusals');

function finish(Class, name, members) {
  const properties = { __proto__: null };
  for (let i = 0; i < members.length; i++) {
    properties[members[i]] = kEnumerableProperty;
  }
  ObjectDefineProperties(Class.prototype, properties);
  ObjectDefineProperty(Class.prototype, SymbolToStringTag, {
    __proto__: null, configurable: true, enumerable: false, value: name, writable: false,
  });
}

class MessageEvent extends Event {
  #facts;

  constructor(type, init = { __proto__: null }) {
    super(...new primordials.SafeArrayIterator(arguments));
    const { data = null, origin = '', lastEventId = '', source = null, ports = [] } = init ?? { __proto__: null };
    this.#facts = { data, origin: `${origin}`, lastEventId: `${lastEventId}`, source, ports: primordials.ObjectFreeze([...ports]) };
  }

  get data() {
    return this.#facts.data;
  }

  get origin() {
    return this.#facts.origin;
  }

  get lastEventId() {
    return this.#facts.lastEventId;
  }

  get source() {
    return this.#facts.source;
  }

  get ports() {
    return this.#facts.ports;
  }
}
finish(MessageEvent, 'MessageEvent', ['data', 'origin', 'lastEventId', 'source', 'ports']);

class CloseEvent extends Event {
  #facts;

  constructor(type, init = { __proto__: null }) {
    super(...new primordials.SafeArrayIterator(arguments));
    const { wasClean = false, code = 0, reason = '' } = init ?? { __proto__: null };
    this.#facts = { wasClean: !!wasClean, code: code & 0xffff, reason: `${reason}` };
  }

  get wasClean() {
    return this.#facts.wasClean;
  }

  get code() {
    return this.#facts.code;
  }

  get reason() {
    return this.#facts.reason;
  }
}
finish(CloseEvent, 'CloseEvent', ['wasClean', 'code', 'reason']);

// ---- Ports

const kOwn = { __proto__: null };
let stateOf;

class MessagePort extends EventTarget {
  #state;

  constructor(own) {
    if (own !== kOwn) {
      throw new ERR_CONSTRUCT_CALL_INVALID();
    }
    super();
    this.#state = { __proto__: null, other: undefined, queue: [], started: false, closed: false, wrappers: new SafeMap() };
  }

  static {
    stateOf = (port) => (port !== null && typeof port === 'object' && #state in port ? port.#state : undefined);
  }

  postMessage(message, options = undefined) {
    if (arguments.length === 0) {
      throw new ERR_MISSING_ARGS('message');
    }
    const { structuredClone } = require('internal/structured_clone');
    const transfer = ArrayIsArray(options) ? options : options?.transfer;
    const data = structuredClone(message, transfer === undefined ? undefined : { transfer });
    const { other } = this.#state;
    if (other !== undefined && !stateOf(other).closed) {
      ArrayPrototypePush(stateOf(other).queue, data);
      schedule(other);
    }
  }

  start() {
    if (!this.#state.started) {
      this.#state.started = true;
      schedule(this);
    }
  }

  close() {
    const { other } = this.#state;
    close(this);
    if (other !== undefined) {
      native.loop.defer(() => close(other));
    }
  }

  // A port does not keep the program alive here: nothing comes from outside of it.
  ref() {}

  unref() {}

  hasRef() {
    return false;
  }

  on(type, listener) {
    const wrapper = (event) => ReflectApply(listener, this, [type === 'message' || type === 'messageerror' ? event.data : event]);
    this.#state.wrappers.set(listener, wrapper);
    this.addEventListener(type, wrapper);
    if (type === 'message') {
      this.start();
    }
    return this;
  }

  addListener(type, listener) {
    return this.on(type, listener);
  }

  once(type, listener) {
    const once = (...args) => {
      this.off(type, once);
      ReflectApply(listener, this, args);
    };
    this.#state.wrappers.set(listener, once);
    return this.on(type, once);
  }

  off(type, listener) {
    let wrapper = this.#state.wrappers.get(listener);
    while (wrapper !== undefined) {
      this.#state.wrappers.delete(listener);
      this.removeEventListener(type, wrapper);
      listener = wrapper;
      wrapper = this.#state.wrappers.get(listener);
    }
    return this;
  }

  removeListener(type, listener) {
    return this.off(type, listener);
  }

  emit(type, value) {
    return this.dispatchEvent(new MessageEvent(type, { data: value }));
  }
}
finish(MessagePort, 'MessagePort', ['postMessage', 'start', 'close', 'ref', 'unref', 'hasRef']);
defineEventHandler(MessagePort.prototype, 'messageerror');
defineEventHandler(MessagePort.prototype, 'close');
defineEventHandler(MessagePort.prototype, 'message');
{
  // Setting it starts the port.
  const { get, set } = primordials.ObjectGetOwnPropertyDescriptor(MessagePort.prototype, 'onmessage');
  ObjectDefineProperty(MessagePort.prototype, 'onmessage', {
    __proto__: null, configurable: true, enumerable: true, get, set(value) {
      ReflectApply(set, this, [value]);
      this.start();
    },
  });
}

function schedule(port) {
  const state = stateOf(port);
  if (!state.started || state.closed || state.queue.length === 0) {
    return;
  }
  native.loop.defer(() => {
    if (!state.closed && state.queue.length > 0) {
      port.dispatchEvent(new MessageEvent('message', { data: ArrayPrototypeShift(state.queue) }));
    }
  });
}

function close(port) {
  const state = stateOf(port);
  if (!state.closed) {
    state.closed = true;
    state.other = undefined;
    native.loop.defer(() => port.dispatchEvent(new Event('close')));
  }
}

class MessageChannel {
  constructor() {
    this.port1 = new MessagePort(kOwn);
    this.port2 = new MessagePort(kOwn);
    stateOf(this.port1).other = this.port2;
    stateOf(this.port2).other = this.port1;
  }
}

function receiveMessageOnPort(port) {
  const state = stateOf(port);
  if (state === undefined) {
    throw new ERR_INVALID_ARG_TYPE('port', 'MessagePort', port);
  }
  return state.queue.length === 0 ? undefined : { message: ArrayPrototypeShift(state.queue) };
}

// ---- Channels by name

const channels = new SafeSet();

class BroadcastChannel extends EventTarget {
  #name;
  #closed = false;

  constructor(name) {
    if (arguments.length === 0) {
      throw new ERR_MISSING_ARGS('name');
    }
    super();
    this.#name = `${name}`;
    channels.add(this);
  }

  get name() {
    return this.#name;
  }

  postMessage(message) {
    if (arguments.length === 0) {
      throw new ERR_MISSING_ARGS('message');
    }
    if (this.#closed) {
      throw lazyDOMException('BroadcastChannel is closed.', 'InvalidStateError');
    }
    const { structuredClone } = require('internal/structured_clone');
    channels.forEach((channel) => {
      if (channel !== this && channel.#name === this.#name) {
        const data = structuredClone(message);
        native.loop.defer(() => {
          if (!channel.#closed) {
            channel.dispatchEvent(new MessageEvent('message', { data }));
          }
        });
      }
    });
  }

  close() {
    this.#closed = true;
    channels.delete(this);
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }
}
finish(BroadcastChannel, 'BroadcastChannel', ['name', 'close', 'postMessage', 'ref', 'unref']);
defineEventHandler(BroadcastChannel.prototype, 'message');
defineEventHandler(BroadcastChannel.prototype, 'messageerror');

// ---- WebSocket

class WebSocket extends EventTarget {
  constructor() {
    if (arguments.length === 0) {
      throw new ERR_MISSING_ARGS('url');
    }
    super();
    throw refused('WebSocket', 'Net');
  }

  close() {
    throw refused('WebSocket.close', 'Net');
  }

  send() {
    throw refused('WebSocket.send', 'Net');
  }
}
finish(WebSocket, 'WebSocket', ['close', 'send']);
for (const name of new primordials.SafeArrayIterator(['open', 'error', 'close', 'message'])) {
  defineEventHandler(WebSocket.prototype, name);
}
for (const pair of new primordials.SafeArrayIterator([['CONNECTING', 0], ['OPEN', 1], ['CLOSING', 2], ['CLOSED', 3]])) {
  const constant = { __proto__: null, configurable: false, enumerable: true, value: pair[1], writable: false };
  ObjectDefineProperty(WebSocket, pair[0], constant);
  ObjectDefineProperty(WebSocket.prototype, pair[0], constant);
}

module.exports = {
  BroadcastChannel, CloseEvent, MessageChannel, MessageEvent, MessagePort, WebSocket, receiveMessageOnPort,
};
