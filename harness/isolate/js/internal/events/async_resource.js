// Gives `EventEmitterAsyncResource`: an emitter whose listeners run in the async context in which it was made.
'use strict';

const {
  ArrayPrototypeUnshift, ReflectApply,
} = primordials;
const {
  codes: { ERR_INVALID_THIS },
} = require('internal/errors');
const { validateString } = require('internal/validators');

exports.makeClass = (EventEmitter) => {
  const { AsyncResource } = require('async_hooks');

  class EventEmitterReferencingAsyncResource extends AsyncResource {
    #eventEmitter;

    constructor(emitter, type, options) {
      super(type, options);
      this.#eventEmitter = emitter;
    }

    get eventEmitter() {
      return this.#eventEmitter;
    }
  }

  return class EventEmitterAsyncResource extends EventEmitter {
    #asyncResource;

    constructor(options = undefined) {
      let name;
      if (typeof options === 'string') {
        name = options;
        options = undefined;
      } else {
        if (new.target === EventEmitterAsyncResource) {
          validateString(options?.name, 'options.name');
        }
        name = options?.name || new.target.name;
      }
      super(options);
      this.#asyncResource = new EventEmitterReferencingAsyncResource(this, name, options);
    }

    emit(event, ...args) {
      const resource = this.#asyncResource;
      if (resource === undefined) {
        throw new ERR_INVALID_THIS('EventEmitterAsyncResource');
      }
      ArrayPrototypeUnshift(args, super.emit, this, event);
      return ReflectApply(resource.runInAsyncScope, resource, args);
    }

    emitDestroy() {
      this.#asyncResource.emitDestroy();
    }

    get asyncId() {
      return this.#asyncResource.asyncId();
    }

    get triggerAsyncId() {
      return this.#asyncResource.triggerAsyncId();
    }

    get asyncResource() {
      return this.#asyncResource;
    }
  };
};
