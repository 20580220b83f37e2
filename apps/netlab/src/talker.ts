import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A process that is asked by JSON lines on its stdin and answers, and tells what happens, by JSON lines on its stdout. */
export interface Talker {
  readonly child: ChildProcess
  ask(name: string, facts?: object): Promise<unknown>
  /** The next event of this name that fits. Rejects when none came in time, the process ended, or another event rules it out. */
  next(event: string, options: { timeoutMs: number; fits?: (facts: Facts) => boolean; unless?: string }): Promise<Facts>
  on(listener: (event: string, facts: Facts) => void): void
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>
  kill(signal?: NodeJS.Signals): Promise<void>
}

/** What an event tells: plain data, read by whoever knows the event. */
export type Facts = Readonly<Record<string, unknown>>

interface Answer {
  readonly id?: number
  readonly value?: unknown
  readonly error?: { readonly message: string; readonly code?: string }
  readonly event?: string
}

/** How an asked process says that it failed. */
class TalkerError extends Error {
  readonly code: string | undefined
  constructor(name: string, { message, code }: { message: string; code?: string }) {
    super(`${name}: ${code ? `${code}: ` : ''}${message}`)
    this.code = code
  }
}

/** What the last lines on stderr said is part of every error. */
const COMPLAINT_LINES = 12

export function startTalker([program = '', ...args]: readonly string[], name: string): Talker {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  const listeners = new Set<(event: string, facts: Facts) => void>()
  const complaints: string[] = []
  let asked = 0
  let isGone = false

  createInterface({ input: child.stderr }).on('line', (line) => {
    complaints.push(line)
    if (complaints.length > COMPLAINT_LINES) complaints.shift()
  })
  createInterface({ input: child.stdout }).on('line', (line) => hear(JSON.parse(line) as Answer))
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve()).once('error', ({ message }) => resolve(void complaints.push(message)))
  }).then(() => {
    isGone = true
    for (const { reject } of waiting.values()) reject(ended())
    waiting.clear()
  })
  child.stdin.on('error', () => {}) // it is gone, and `gone` tells

  function hear({ id, event, value, error, ...facts }: Answer): void {
    if (event !== undefined) for (const listener of [...listeners]) listener(event, facts)
    if (id === undefined) return
    const question = waiting.get(id)
    waiting.delete(id)
    if (error) question?.reject(new TalkerError(name, error))
    else question?.resolve(value)
  }

  function ended(): Error {
    return new Error([`the process of ${name} ended (${child.signalCode ?? child.exitCode})`, ...complaints].join('\n'))
  }

  return {
    child,
    gone,
    ask(question, facts = {}) {
      if (isGone) return Promise.reject(ended())
      return new Promise((resolve, reject) => {
        waiting.set(++asked, { resolve, reject })
        child.stdin.write(`${JSON.stringify({ id: asked, name: question, ...facts })}\n`)
      })
    },
    next(wanted, { timeoutMs, fits = () => true, unless }) {
      return new Promise((resolve, reject) => {
        const settle = () => {
          clearTimeout(timer)
          listeners.delete(listener)
        }
        const listener = (event: string, facts: Facts) => {
          if (!(event === wanted || event === unless) || !fits(facts)) return
          settle()
          if (event === wanted) resolve(facts)
          else reject(new Error(`${name} told '${event}': ${JSON.stringify(facts)}`))
        }
        const timer = setTimeout(() => {
          settle()
          reject(new Error(`${name} did not tell '${wanted}' within ${timeoutMs / 1_000} s`))
        }, timeoutMs)
        listeners.add(listener)
        void gone.then(() => {
          settle()
          reject(ended())
        })
      })
    },
    on: (listener) => void listeners.add(listener),
    async kill(signal = 'SIGKILL') {
      child.kill(signal)
      await gone
    },
  }
}
