import { FUNCTION_PLACEHOLDER, isForbiddenKey } from './guard.ts'

/** Any function that a user passes along as a callback. */
export type UserFunction = (...args: unknown[]) => unknown

/** Values as one JSON array in ASCII, and the functions that stood among them. */
export interface EncodedValues {
  readonly text: string
  readonly functions: readonly { readonly path: readonly string[]; readonly call: UserFunction }[]
}

const NONE: EncodedValues['functions'] = Object.freeze([])
// A plain dnode decodes each chunk of a line by itself, so a character cut in two would be lost: lines are ASCII.
const BEYOND_ASCII = /[\u0080-\uffff]/
const EACH_BEYOND_ASCII = /[\u0080-\uffff]/g

/**
 * Encodes what may pass the other side's guard. A TypeError for what JSON cannot carry (bigint, bytes) or the guard refuses
 * (keys named `__proto__`, `constructor`, `prototype`), a RangeError for what is nested too deep or circular.
 */
export function encodeValues(values: readonly unknown[], { depthMax }: { depthMax: number }): EncodedValues {
  let functions: { path: readonly string[]; call: UserFunction }[] | undefined
  const visit = (given: unknown, depth: number, path: readonly string[]): void => {
    const value = toJsonValue(given, path)
    if (typeof value === 'bigint') throw new TypeError('a bigint does not travel; send it as text')
    if (typeof value === 'function') {
      functions ??= []
      functions.push({ path, call: value as UserFunction })
    }
    if (typeof value !== 'object' || value === null) return
    if (depth > depthMax) throw new RangeError(`values nest at most ${depthMax - 2} deep and are not circular`)
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) throw new TypeError('bytes do not travel; send them as text')
    for (const key of Object.keys(value)) {
      if (isForbiddenKey(key)) throw new TypeError(`a key named ${key} does not travel`)
      const item = (value as Record<string, unknown>)[key]
      if (mayMatter(item)) visit(item, depth + 1, [...path, key])
    }
  }
  // Depth 1 is the line, 2 its arguments (see limits).
  for (let index = 0; index < values.length; index++) if (mayMatter(values[index])) visit(values[index], 3, [String(index)])
  const text = functions ? JSON.stringify(values, withPlaceholders) : JSON.stringify(values)
  return { text: toAscii(text), functions: functions ?? NONE }
}

/** Whether a value can hold something that does not travel as it is. */
function mayMatter(value: unknown): boolean {
  return typeof value === 'object' || typeof value === 'function' || typeof value === 'bigint'
}

/** What JSON.stringify will look at. */
function toJsonValue(value: unknown, path: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { toJSON } = value as { toJSON?: unknown }
  return typeof toJSON === 'function' ? toJSON.call(value, path.at(-1)) : value
}

/** JSON text with every character beyond ASCII escaped. */
export function toAscii(json: string): string {
  if (!BEYOND_ASCII.test(json)) return json
  return json.replace(EACH_BEYOND_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function withPlaceholders(_key: string, value: unknown): unknown {
  return typeof value === 'function' ? FUNCTION_PLACEHOLDER : value
}

/** One request as dnode writes it, without the newline; `argumentsText` and `callbacksText` are JSON. */
export function requestLine(method: string | number, argumentsText: string, callbacksText: string): string {
  const name = typeof method === 'number' ? method : toAscii(JSON.stringify(method))
  return `{"method":${name},"arguments":${argumentsText},"callbacks":{${callbacksText}},"links":[]}`
}

/** One entry of `callbacks`. */
export function callbackEntry(id: number, path: readonly string[]): string {
  return `"${id}":${toAscii(JSON.stringify(path))}`
}

/** As `callbackEntry` for a function that is itself an argument. */
export function argumentCallbackEntry(id: number, index: number): string {
  return `"${id}":["${index}"]`
}

/** dnode's own short form: the ids are free again on the side that made them. */
export function cullLine(ids: readonly number[]): string {
  return `{"method":"cull","arguments":[${ids.join(',')}]}`
}
