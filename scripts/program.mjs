// A program that stays: its lines are read as they come, and it is ended with everything that it started.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { endGroup } from './run.mjs'

/** Starts `[program, ...arguments]`; `lines` are those of both streams so far. */
export function startProgram([program, ...args], { cwd, env = {} }) {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const lines = []
  const watchers = new Set()
  const gone = new Promise((resolve) => child.once('close', resolve).once('error', resolve))
  const look = () => {
    for (const watcher of watchers) watcher()
  }
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      look()
    })
  }
  gone.then(look)

  return {
    lines,
    /** Resolves when `test(lines)` is truthy; rejects, with what was printed, after `timeoutMs` or when the program ends first. */
    until(test, { what, timeoutMs }) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => settle(reject, new Error(`${what}: not after ${timeoutMs / 1_000} s\n${lines.join('\n')}`)),
          timeoutMs,
        )
        const settle = (act, value) => {
          clearTimeout(timer)
          watchers.delete(watcher)
          act(value)
        }
        const watcher = () => {
          const found = test(lines)
          if (found) settle(resolve, found)
          else if (child.exitCode !== null) settle(reject, new Error(`${what}: the program ended first\n${lines.join('\n')}`))
        }
        watchers.add(watcher)
        watcher()
      })
    },
    async end() {
      if (child.exitCode === null && child.signalCode === null) endGroup(child)
      await gone
    },
  }
}
