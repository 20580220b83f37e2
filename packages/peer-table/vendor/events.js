// What PouchDB uses of Node's EventEmitter, which bundlers leave to polyfills.

/** A function, for PouchDB's constructor takes over what is enumerable on its prototype. */
export default function EventEmitter() {}

/** The list in force stays as it is while it is told; a change makes another. */
const listOf = (emitter, event) => emitter._events?.get(event) ?? []

// `this.on` and `removeAllListeners` call none of the others: PouchDB overrides `removeListener` with other parameters.
function on(event, listener) {
  this._events ??= new Map()
  this._events.set(event, [...listOf(this, event), listener])
  return this
}

function removeListener(event, listener) {
  const list = [...listOf(this, event)]
  const index = list.findLastIndex((each) => each === listener || each.listener === listener)
  if (index < 0) return this
  list.splice(index, 1)
  this._events.set(event, list)
  return this
}

Object.assign(EventEmitter.prototype, {
  on,
  addListener: on,
  off: removeListener,
  removeListener,
  once(event, listener) {
    const heard = (...facts) => {
      removeListener.call(this, event, heard)
      listener.apply(this, facts)
    }
    heard.listener = listener
    return on.call(this, event, heard)
  },
  removeAllListeners(event) {
    if (event === undefined) this._events = undefined
    else this._events?.delete(event)
    return this
  },
  emit(event, ...facts) {
    const list = listOf(this, event)
    if (list.length === 0 && event === 'error') throw facts[0]
    for (const listener of list) listener.apply(this, facts)
    return list.length > 0
  },
  listeners(event) {
    return listOf(this, event).map((each) => each.listener ?? each)
  },
  listenerCount(event) {
    return listOf(this, event).length
  },
  /** There is no maximum here. */
  setMaxListeners() {
    return this
  },
})
