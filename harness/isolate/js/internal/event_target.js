// Gives `Event`, `CustomEvent` and `EventTarget`, flat as Node has them: no tree, so no capture or bubble phase.
'use strict';

const {
  ArrayPrototypeFilter, ArrayPrototypeIndexOf, ArrayPrototypeMap, ArrayPrototypePush,
  ArrayPrototypeSlice, ArrayPrototypeSplice, Boolean, FunctionPrototypeCall, NumberIsInteger,
  ObjectDefineProperties, ObjectDefineProperty, ReflectApply, SafeArrayIterator, SafeMap,
  SafeWeakRef, SafeWeakSet, Symbol, SymbolFor, SymbolToStringTag,
} = primordials;
const {
  codes: { ERR_EVENT_RECURSION, ERR_INVALID_ARG_TYPE, ERR_INVALID_THIS, ERR_MISSING_ARGS },
  genericNodeError,
} = require('internal/errors');
const { kEmptyObject, kEnumerableProperty } = require('internal/util');
const { validateAbortSignal, validateObject, kValidateObjectAllowObjectsAndNull } = require('internal/validators');
const { kMaxEventTargetListeners, kMaxEventTargetListenersWarned } = require('events');

const kEvents = Symbol('kEvents');
const kIsEventTarget = SymbolFor('nodejs.event_target');
const kHandlers = Symbol('kHandlers');
const kWeakHandler = Symbol('kWeak');
const kResistStopPropagation = Symbol('kResistStopPropagation');
const kTarget = Symbol('kTarget');
const kType = Symbol('type');
const kIsBeingDispatched = Symbol('kIsBeingDispatched');
const kInPassiveListener = Symbol('kInPassiveListener');
const kStop = Symbol('kStop');
const kTrustEvent = Symbol('kTrustEvent');
const kCreateEvent = Symbol('kCreateEvent');
const kNewListener = Symbol('kNewListener');
const kRemoveListener = Symbol('kRemoveListener');
const kCustomInspect = SymbolFor('nodejs.util.inspect.custom');

const trusted = new SafeWeakSet();

function isEvent(value) {
  return typeof value?.[kType] === 'string';
}

function checkThis(ok, name) {
  if (!ok) {
    throw new ERR_INVALID_THIS(name);
  }
}

function inspectFields(name, fields, depth, options) {
  if (depth < 0) {
    return name;
  }
  const { inspect } = require('internal/util/inspect');
  return `${name} ${inspect(fields, {
    ...options, depth: NumberIsInteger(options.depth) ? options.depth - 1 : options.depth,
  })}`;
}

class Event {
  #cancelable = false;
  #bubbles = false;
  #composed = false;
  #defaultPrevented = false;
  #timestamp = native.loop.now();
  #propagationStopped = false;

  constructor(type, options = undefined) {
    if (arguments.length === 0) {
      throw new ERR_MISSING_ARGS('type');
    }
    if (options != null) {
      validateObject(options, 'options', kValidateObjectAllowObjectsAndNull);
      this.#bubbles = !!options.bubbles;
      this.#cancelable = !!options.cancelable;
      this.#composed = !!options.composed;
    }
    this[kType] = `${type}`;
    if (options?.[kTrustEvent]) {
      trusted.add(this);
    }
    this[kTarget] = null;
    this[kIsBeingDispatched] = false;
    this[kInPassiveListener] = false;
  }

  initEvent(type, bubbles = false, cancelable = false) {
    if (arguments.length === 0) {
      throw new ERR_MISSING_ARGS('type');
    }
    if (this[kIsBeingDispatched]) {
      return;
    }
    this[kType] = `${type}`;
    this.#bubbles = !!bubbles;
    this.#cancelable = !!cancelable;
  }

  [kCustomInspect](depth, options) {
    checkThis(isEvent(this), 'Event');
    return inspectFields(this.constructor.name, {
      type: this[kType],
      defaultPrevented: this.#defaultPrevented,
      cancelable: this.#cancelable,
      timeStamp: this.#timestamp,
    }, depth, options);
  }

  stopImmediatePropagation() {
    checkThis(isEvent(this), 'Event');
    // `stopPropagation` is called too: subclasses may override it.
    this.stopPropagation();
    this[kStop] = true;
  }

  preventDefault() {
    checkThis(isEvent(this), 'Event');
    if (this.#cancelable && !this[kInPassiveListener]) {
      this.#defaultPrevented = true;
    }
  }

  get target() {
    checkThis(isEvent(this), 'Event');
    return this[kTarget];
  }

  get currentTarget() {
    checkThis(isEvent(this), 'Event');
    return this[kIsBeingDispatched] ? this[kTarget] : null;
  }

  get srcElement() {
    checkThis(isEvent(this), 'Event');
    return this[kTarget];
  }

  get type() {
    checkThis(isEvent(this), 'Event');
    return this[kType];
  }

  get cancelable() {
    checkThis(isEvent(this), 'Event');
    return this.#cancelable;
  }

  get defaultPrevented() {
    checkThis(isEvent(this), 'Event');
    return this.#cancelable && this.#defaultPrevented;
  }

  get timeStamp() {
    checkThis(isEvent(this), 'Event');
    return this.#timestamp;
  }

  composedPath() {
    checkThis(isEvent(this), 'Event');
    return this[kIsBeingDispatched] ? [this[kTarget]] : [];
  }

  get returnValue() {
    checkThis(isEvent(this), 'Event');
    return !this.#cancelable || !this.#defaultPrevented;
  }

  get bubbles() {
    checkThis(isEvent(this), 'Event');
    return this.#bubbles;
  }

  get composed() {
    checkThis(isEvent(this), 'Event');
    return this.#composed;
  }

  get eventPhase() {
    checkThis(isEvent(this), 'Event');
    return this[kIsBeingDispatched] ? Event.AT_TARGET : Event.NONE;
  }

  get cancelBubble() {
    checkThis(isEvent(this), 'Event');
    return this.#propagationStopped;
  }

  set cancelBubble(value) {
    checkThis(isEvent(this), 'Event');
    if (value) {
      this.#propagationStopped = true;
    }
  }

  stopPropagation() {
    checkThis(isEvent(this), 'Event');
    this.#propagationStopped = true;
  }

  get isTrusted() {
    return trusted.has(this);
  }
}

// `isTrusted` is an own accessor in the standard; Node defines it on the prototype and so do we.
ObjectDefineProperties(Event.prototype, {
  [SymbolToStringTag]: { __proto__: null, writable: false, enumerable: false, configurable: true, value: 'Event' },
  initEvent: kEnumerableProperty,
  stopImmediatePropagation: kEnumerableProperty,
  preventDefault: kEnumerableProperty,
  target: kEnumerableProperty,
  currentTarget: kEnumerableProperty,
  srcElement: kEnumerableProperty,
  type: kEnumerableProperty,
  cancelable: kEnumerableProperty,
  defaultPrevented: kEnumerableProperty,
  timeStamp: kEnumerableProperty,
  composedPath: kEnumerableProperty,
  returnValue: kEnumerableProperty,
  bubbles: kEnumerableProperty,
  composed: kEnumerableProperty,
  eventPhase: kEnumerableProperty,
  cancelBubble: kEnumerableProperty,
  stopPropagation: kEnumerableProperty,
  isTrusted: kEnumerableProperty,
});
for (const phase of new SafeArrayIterator([['NONE', 0], ['CAPTURING_PHASE', 1], ['AT_TARGET', 2], ['BUBBLING_PHASE', 3]])) {
  ObjectDefineProperty(Event, phase[0], { __proto__: null, enumerable: true, value: phase[1] });
}

class CustomEvent extends Event {
  #detail;

  constructor(type, options = kEmptyObject) {
    if (arguments.length === 0) {
      throw new ERR_MISSING_ARGS('type');
    }
    super(type, options);
    this.#detail = options?.detail ?? null;
  }

  get detail() {
    return this.#detail;
  }
}
ObjectDefineProperties(CustomEvent.prototype, {
  [SymbolToStringTag]: { __proto__: null, writable: false, enumerable: false, configurable: true, value: 'CustomEvent' },
  detail: kEnumerableProperty,
});

// One registered listener. A weak one lets go of its callback when nothing else holds it.
class Listener {
  constructor(callback, { once, capture, passive, weak, resist }) {
    this.once = once;
    this.capture = capture;
    this.passive = passive;
    this.resist = resist;
    this.removed = false;
    this.original = weak ? undefined : callback;
    this.reference = weak ? new SafeWeakRef(callback) : undefined;
  }

  get callback() {
    return this.reference === undefined ? this.original : this.reference.deref();
  }

  same(callback, capture) {
    return this.callback === callback && this.capture === capture;
  }
}

function isEventTarget(value) {
  return value?.constructor?.[kIsEventTarget] === true && value[kEvents] !== undefined;
}

function listenerOptions(options) {
  if (typeof options === 'boolean') {
    return { once: false, capture: options, passive: false, signal: undefined, weak: false, resist: false };
  }
  if (options === null || options === undefined) {
    return { once: false, capture: false, passive: false, signal: undefined, weak: false, resist: false };
  }
  validateObject(options, 'options', kValidateObjectAllowObjectsAndNull);
  return {
    once: Boolean(options.once),
    capture: Boolean(options.capture),
    passive: Boolean(options.passive),
    signal: options.signal,
    weak: Boolean(options[kWeakHandler]),
    resist: options[kResistStopPropagation] ?? false,
  };
}

function isCallable(listener) {
  if (typeof listener === 'function' || typeof listener?.handleEvent === 'function') {
    return true;
  }
  if (listener === null || listener === undefined) {
    return false;
  }
  if (typeof listener === 'object') {
    return true;
  }
  throw new ERR_INVALID_ARG_TYPE('listener', 'EventListener', listener);
}

function initEventTarget(self) {
  self[kEvents] = new SafeMap();
  self[kMaxEventTargetListeners] = require('events').defaultMaxListeners;
  self[kMaxEventTargetListenersWarned] = false;
  self[kHandlers] = new SafeMap();
}

function reportError(error) {
  require('process').nextTick(() => {
    throw error;
  });
}

class EventTarget {
  static [kIsEventTarget] = true;

  constructor() {
    initEventTarget(this);
  }

  [kNewListener](size, type) {
    if (this[kMaxEventTargetListeners] > 0 && size > this[kMaxEventTargetListeners] &&
        !this[kMaxEventTargetListenersWarned]) {
      this[kMaxEventTargetListenersWarned] = true;
      const { inspect } = require('internal/util/inspect');
      require('process').emitWarning(genericNodeError(
        `Possible EventTarget memory leak detected. ${size} ${type} listeners added to ` +
        `${inspect(this, { depth: -1 })}. MaxListeners is ${this[kMaxEventTargetListeners]}. ` +
        'Use events.setMaxListeners() to increase limit',
        { name: 'MaxListenersExceededWarning', target: this, type, count: size }));
    }
  }

  [kRemoveListener]() {
    // Subclasses count their listeners here.
  }

  addEventListener(type, listener, options = kEmptyObject) {
    checkThis(isEventTarget(this), 'EventTarget');
    if (arguments.length < 2) {
      throw new ERR_MISSING_ARGS('type', 'listener');
    }
    const settings = listenerOptions(options);
    validateAbortSignal(settings.signal, 'options.signal');
    if (!isCallable(listener)) {
      const warning = genericNodeError(`addEventListener called with ${listener} which has no effect.`,
        { name: 'AddEventListenerArgumentTypeWarning', target: this, type });
      require('process').emitWarning(warning);
      return;
    }
    const name = `${type}`;
    if (settings.signal !== undefined) {
      if (settings.signal.aborted) {
        return;
      }
      settings.signal.addEventListener('abort', () => {
        this.removeEventListener(name, listener, options);
      }, { __proto__: null, once: true, [kWeakHandler]: false, [kResistStopPropagation]: true });
    }
    let list = this[kEvents].get(name);
    if (list === undefined) {
      list = [];
      this[kEvents].set(name, list);
    }
    for (let i = 0; i < list.length; i++) {
      if (list[i].same(listener, settings.capture)) {
        return;
      }
    }
    ArrayPrototypePush(list, new Listener(listener, settings));
    this[kNewListener](list.length, name, listener, settings.once, settings.capture, settings.passive, settings.weak);
  }

  removeEventListener(type, listener, options = kEmptyObject) {
    checkThis(isEventTarget(this), 'EventTarget');
    if (arguments.length < 2) {
      throw new ERR_MISSING_ARGS('type', 'listener');
    }
    if (!isCallable(listener)) {
      return;
    }
    const name = `${type}`;
    // Node knows no boolean here, unlike `addEventListener`.
    const capture = options?.capture === true;
    const list = this[kEvents].get(name);
    for (let i = 0; list !== undefined && i < list.length; i++) {
      if (list[i].same(listener, capture)) {
        list[i].removed = true;
        ArrayPrototypeSplice(list, i, 1);
        this[kRemoveListener](list.length, name, listener, capture);
        break;
      }
    }
    if (list !== undefined && list.length === 0) {
      this[kEvents].delete(name);
    }
  }

  dispatchEvent(event) {
    checkThis(isEventTarget(this), 'EventTarget');
    if (arguments.length < 1) {
      throw new ERR_MISSING_ARGS('event');
    }
    if (!(event instanceof Event)) {
      throw new ERR_INVALID_ARG_TYPE('event', 'Event', event);
    }
    if (event[kIsBeingDispatched]) {
      throw new ERR_EVENT_RECURSION(event.type);
    }
    this.#dispatch(event.type, event);
    return event.defaultPrevented !== true;
  }

  #dispatch(type, event) {
    event[kTarget] = this;
    event[kIsBeingDispatched] = true;
    const list = this[kEvents].get(type);
    const round = list === undefined ? [] : ArrayPrototypeSlice(list);
    for (let i = 0; i < round.length; i++) {
      const listener = round[i];
      if (listener.removed || (event[kStop] && !listener.resist)) {
        continue;
      }
      if (listener.once) {
        listener.removed = true;
        ArrayPrototypeSplice(list, ArrayPrototypeIndexOf(list, listener), 1);
        this[kRemoveListener](list.length, type, listener.callback, listener.capture);
      }
      this.#call(listener, event);
    }
    if (list !== undefined && list.length === 0 && this[kEvents].get(type) === list) {
      this[kEvents].delete(type);
    }
    event[kIsBeingDispatched] = false;
  }

  #call(listener, event) {
    event[kInPassiveListener] = listener.passive;
    try {
      const { callback } = listener;
      let result;
      if (typeof callback === 'function') {
        result = FunctionPrototypeCall(callback, this, event);
      } else if (callback !== undefined && typeof callback.handleEvent === 'function') {
        result = callback.handleEvent(event);
      }
      if (result !== undefined && result !== null) {
        watchPromise(result);
      }
    } catch (error) {
      reportError(error);
    }
    event[kInPassiveListener] = false;
  }

  [kCreateEvent](value, type) {
    return new CustomEvent(type, { detail: value });
  }

  [kCustomInspect](depth, options) {
    checkThis(isEventTarget(this), 'EventTarget');
    return inspectFields(this.constructor.name, {}, depth, options);
  }
}

// An async listener's failure is as uncaught as a thrown one.
function watchPromise(result) {
  const { then } = result;
  if (typeof then === 'function') {
    FunctionPrototypeCall(then, result, undefined, reportError);
  }
}

ObjectDefineProperties(EventTarget.prototype, {
  addEventListener: kEnumerableProperty,
  removeEventListener: kEnumerableProperty,
  dispatchEvent: kEnumerableProperty,
  [SymbolToStringTag]: { __proto__: null, writable: false, enumerable: false, configurable: true, value: 'EventTarget' },
});

function listenersOfTarget(target, type) {
  const list = target[kEvents].get(`${type}`);
  return list === undefined ? []
    : ArrayPrototypeFilter(ArrayPrototypeMap(list, (listener) => listener.callback), (callback) => callback !== undefined);
}

// `target.onname = fn`: at most one listener, whose place in the order stays when it is replaced.
function defineEventHandler(prototype, name, event = name) {
  const property = `on${name}`;
  const get = { [property]() {
    checkThis(isEventTarget(this), 'EventTarget');
    return this[kHandlers].get(event)?.handler ?? null;
  } }[property];
  const set = { [property](value) {
    checkThis(isEventTarget(this), 'EventTarget');
    let wrapped = this[kHandlers].get(event);
    // Any other value is kept and given back, but not called.
    const handler = value ?? null;
    if (wrapped !== undefined) {
      if (handler === null) {
        this.removeEventListener(event, wrapped.listener);
        this[kHandlers].delete(event);
      } else {
        wrapped.handler = handler;
      }
      return;
    }
    if (handler === null) {
      return;
    }
    wrapped = { handler, listener: undefined };
    wrapped.listener = function(...args) {
      return typeof wrapped.handler === 'function' ? ReflectApply(wrapped.handler, this, args) : undefined;
    };
    this[kHandlers].set(event, wrapped);
    this.addEventListener(event, wrapped.listener);
  } }[property];
  ObjectDefineProperty(get, 'name', { __proto__: null, value: `get ${property}` });
  ObjectDefineProperty(set, 'name', { __proto__: null, value: `set ${property}` });
  ObjectDefineProperty(prototype, property, { __proto__: null, get, set, configurable: true, enumerable: true });
}

module.exports = {
  CustomEvent, Event, EventTarget, defineEventHandler, initEventTarget, inspectFields,
  isEventTarget, kCreateEvent, kEvents, kNewListener, kRemoveListener, kResistStopPropagation,
  kTrustEvent, kWeakHandler, listenersOfTarget,
};
