import { spawn, spawnSync } from 'node:child_process'

const COMMAND_TIMEOUT_MS = 10_000

export interface CommandOptions {
  /** What the program reads on stdin. */
  readonly input?: string
}

/** Runs a short program and resolves with what it printed; rejects with its complaint. */
export function run([program = '', ...args]: readonly string[], { input = '' }: CommandOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { timeout: COMMAND_TIMEOUT_MS })
    const said = { out: '', error: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.error += text
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(said.out)
      else reject(new Error(`${program} ${args.join(' ')}: ${said.error.trim() || (signal ?? `code ${code}`)}\n${input}`.trim()))
    })
    child.stdin.on('error', () => {}) // it ended without reading; its code tells
    child.stdin.end(input)
  })
}

/** The same while this process ends; what it printed, or nothing when it failed. */
export function runNow([program = '', ...args]: readonly string[], { input = '' }: CommandOptions = {}): string {
  const { stdout, status } = spawnSync(program, args, { input, encoding: 'utf8', timeout: COMMAND_TIMEOUT_MS })
  return status === 0 ? stdout : ''
}
