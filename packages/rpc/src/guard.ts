import { CLOSE_CODES, type Violation } from './close-codes.ts'

/** What dnode writes where a function stood. */
export const FUNCTION_PLACEHOLDER = '[Function]'

/** A function of the peer's: `holder[key]` was its placeholder and is `undefined` until a function is put there. */
export interface RemoteReference {
  readonly id: number
  readonly path: readonly (string | number)[]
  readonly holder: Record<string | number, unknown>
  readonly key: string | number
}

/** A line that has the right shape; whether its method exists is for the session to say. */
export interface DnodeLine {
  readonly method: string | number
  readonly arguments: unknown[]
  readonly references: readonly RemoteReference[]
}

export interface GuardLimits {
  readonly depthMax: number
  readonly callbacksMax: number
}

const NONE: readonly RemoteReference[] = Object.freeze([])

/** True for the names through which a path or a copy could reach a prototype. */
export function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype'
}

/** Checks one line of the peer's: exactly `{method, arguments, callbacks, links: []}`, or dnode's short form of `cull`. */
export function parseLine(text: string, limits: GuardLimits): DnodeLine | Violation {
  let value: unknown
  try {
    value = JSON.parse(text) // V8's parser does not recurse, so depth cannot hurt before it is checked
  } catch {
    return CLOSE_CODES.notJson
  }
  if (!isPlainObject(value)) return CLOSE_CODES.badShape
  const violation = inspect(value, 1, limits.depthMax)
  if (violation !== undefined) return violation
  const { method, arguments: values, callbacks, links } = value
  if (typeof method !== 'string' && !isId(method)) return CLOSE_CODES.badShape
  if (!Array.isArray(values)) return CLOSE_CODES.badShape
  const count = Object.keys(value).length
  // dnode-protocol 0.2.2 writes a cull without callbacks and links.
  if (count === 2 && method === 'cull') return { method, arguments: values, references: NONE }
  if (count !== 4 || !isPlainObject(callbacks) || !Array.isArray(links) || links.length > 0) return CLOSE_CODES.badShape
  const references = locate(callbacks, values, limits.callbacksMax)
  return typeof references === 'number' ? references : { method, arguments: values, references }
}

/** A callback or method id: an integer that JSON keeps exact. */
export function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function inspect(container: object, depth: number, depthMax: number): Violation | undefined {
  if (depth > depthMax) return CLOSE_CODES.tooDeep
  if (Array.isArray(container)) {
    for (const item of container) {
      const violation = typeof item === 'object' && item !== null ? inspect(item, depth + 1, depthMax) : undefined
      if (violation !== undefined) return violation
    }
    return undefined
  }
  for (const key of Object.keys(container)) {
    if (isForbiddenKey(key)) return CLOSE_CODES.forbiddenKey
    const item = (container as Record<string, unknown>)[key]
    const violation = typeof item === 'object' && item !== null ? inspect(item, depth + 1, depthMax) : undefined
    if (violation !== undefined) return violation
  }
  return undefined
}

/** Finds each callback's placeholder and empties it, so that two callbacks cannot share one. */
function locate(
  callbacks: Record<string, unknown>,
  values: unknown[],
  callbacksMax: number,
): readonly RemoteReference[] | Violation {
  const ids = Object.keys(callbacks)
  if (ids.length === 0) return NONE
  if (ids.length > callbacksMax) return CLOSE_CODES.tooManyCallbacks
  const references: RemoteReference[] = []
  for (const idText of ids) {
    const id = Number(idText)
    if (!isId(id) || String(id) !== idText) return CLOSE_CODES.badCallback
    const reference = follow(id, callbacks[idText], values)
    if (typeof reference === 'number') return reference
    reference.holder[reference.key] = undefined
    references.push(reference)
  }
  return references
}

function follow(id: number, path: unknown, values: unknown[]): RemoteReference | Violation {
  if (!Array.isArray(path) || path.length === 0) return CLOSE_CODES.badCallback
  let holder: Record<string | number, unknown> | undefined
  let key: string | number = 0
  let target: unknown = values
  for (const step of path) {
    if (typeof step !== 'string' && !isId(step)) return CLOSE_CODES.badCallback
    if (isForbiddenKey(String(step))) return CLOSE_CODES.forbiddenKey
    if (typeof target !== 'object' || target === null) return CLOSE_CODES.badCallback
    // Own elements and keys only: never `length`, never anything inherited.
    if (Array.isArray(target) ? !isIndex(step) : !Object.hasOwn(target, step)) return CLOSE_CODES.badCallback
    holder = target as Record<string | number, unknown>
    key = step
    target = holder[step]
  }
  if (holder === undefined || target !== FUNCTION_PLACEHOLDER) return CLOSE_CODES.badCallback
  return { id, path, holder, key }
}

/** One spelling each; behind the end of a list there is no placeholder. */
function isIndex(step: string | number): boolean {
  const index = Number(step)
  return isId(index) && String(index) === String(step)
}
