// One way to start a program from these scripts: no shell, no stdin, its whole process group ended with it.
import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const rootFolder = dirname(dirname(fileURLToPath(import.meta.url)))

/** The package manager, pinned; it is never a dependency, because it would remove itself while installing. */
export const pnpm = ['npx', '--yes', 'pnpm@10.34.8']

/** How long an ended program may take before it is killed. */
const endTimeoutMs = 5_000

/**
 * Runs `[program, ...arguments]` and resolves to `{ code, output, timedOut }`; never rejects for a failing program.
 * `output` is both streams together when `quiet`, otherwise they go to the terminal as they come and it is empty.
 */
export function run(command, { cwd = rootFolder, env = {}, quiet = false, timeoutMs } = {}) {
  return new Promise((resolve) => {
    const [program, ...args] = command
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
      detached: true,
    })
    const chunks = []
    child.stdout?.on('data', (chunk) => chunks.push(chunk))
    child.stderr?.on('data', (chunk) => chunks.push(chunk))
    let timedOut = false
    const onTimeout = () => {
      timedOut = true
      endGroup(child)
    }
    const timer = timeoutMs && setTimeout(onTimeout, timeoutMs)
    const passOn = (signal) => {
      endGroup(child, signal)
      process.exit(130)
    }
    process.once('SIGINT', passOn).once('SIGTERM', passOn)
    const finish = (code, trouble = '') => {
      clearTimeout(timer)
      process.off('SIGINT', passOn).off('SIGTERM', passOn)
      resolve({ code, timedOut, output: Buffer.concat(chunks).toString() + trouble })
    }
    child.on('error', (error) => finish(127, `${program} could not be started: ${error.message}\n`))
    child.on('close', (code) => finish(code ?? 1))
  })
}

/** Ends a program that was started detached, with everything that it started. */
export function endGroup(child, signal = 'SIGTERM') {
  killGroup(child.pid, signal)
  setTimeout(() => killGroup(child.pid, 'SIGKILL'), endTimeoutMs).unref()
}

function killGroup(processId, signal) {
  try {
    process.kill(-processId, signal)
  } catch {
    // The group is gone already.
  }
}
