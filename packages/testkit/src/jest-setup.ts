// jest runs each test file in a realm of its own; errors that Node makes come from the outer one and would not be
// `instanceof Error` there. A duck test on the built-in brand makes both realms' errors errors.
Object.defineProperty(Error, Symbol.hasInstance, {
  configurable: true,
  value(this: ErrorConstructor, candidate: unknown): boolean {
    if (this !== Error) return Function.prototype[Symbol.hasInstance].call(this, candidate)
    return Object.prototype.toString.call(candidate) === '[object Error]'
  },
})
