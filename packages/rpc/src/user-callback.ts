import type { Runtime } from '@resilient-swarm/contract'
import { callbackEntry, type EncodedValues, type UserFunction } from './encode.ts'
import type { RpcLimits } from './limits.ts'
import type { LocalCallback, LocalCallbacks } from './local-callbacks.ts'

export interface UserCallbackContext {
  readonly callbacks: LocalCallbacks
  readonly limits: RpcLimits
  readonly runtime: Runtime
  /** Told when the peer cannot call it any more. */
  readonly onFree: () => void
}

/** Puts the functions of one line into the table; `text` is the inside of the line's `callbacks`. */
export function registerFunctions(
  functions: EncodedValues['functions'],
  context: UserCallbackContext,
): { readonly text: string; undo(): void } {
  if (functions.length === 0) return NOTHING
  const { callbacks, limits, runtime } = context
  const deadlineMs = runtime.clock.monotonic() + limits.callTimeoutMs
  const ids: number[] = []
  const entries = functions.map(({ path, call }) => {
    const id = callbacks.add(createUserCallback(call, deadlineMs, context, () => callbacks.take(id)))
    ids.push(id)
    return callbackEntry(id, path)
  })
  return {
    text: entries.join(','),
    undo: () => {
      for (const id of ids) callbacks.take(id)
    },
  }
}

const NOTHING = { text: '', undo: () => {} }

function createUserCallback(
  call: UserFunction,
  deadlineMs: number,
  context: UserCallbackContext,
  leave: () => void,
): LocalCallback {
  const free = () => {
    leave()
    context.onFree()
  }
  return {
    deadlineMs,
    fire(values) {
      try {
        call(...values)
      } catch (error) {
        context.runtime.log.warn('A callback that was passed to a peer threw when the peer called it.', { error })
      }
      context.onFree()
    },
    expire: free,
    drop: free,
    end: () => {},
  }
}
