// The child's side of a talker: commands come as JSON lines on stdin, answers and events leave as JSON lines on stdout.
import { createInterface } from 'node:readline'

export type Commands = Readonly<Record<string, (facts: never) => unknown>>

/** Obeys until stdin ends, which is when whoever started this process is gone; then the process ends. */
export function obey(commands: Commands): void {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', async (line) => {
    const { id, name, ...facts } = JSON.parse(line) as { id: number; name: string }
    try {
      const command = Object.hasOwn(commands, name) ? commands[name] : undefined
      if (!command) throw new TypeError(`there is no command ${name}`)
      write({ id, value: (await command(facts as never)) ?? null })
    } catch (error) {
      write({ id, error: errorFacts(error) })
    }
  })
  lines.on('close', () => process.exit(0))
}

/** Tells something that nobody asked for. */
export function tell(event: string, facts: object = {}): void {
  write({ event, ...facts })
}

export function errorFacts(error: unknown): { readonly message: string; readonly code?: string } {
  const { message = String(error), code } = (error ?? {}) as { message?: string; code?: unknown }
  return { message, ...(typeof code === 'string' ? { code } : {}) }
}

function write(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
