import { run, runNow } from './command.ts'
import { isAlive, namespaceName, ownRun, parseNamespaceName, type RunId } from './run-names.ts'

/** A network of its own for the processes that are started in it. */
export interface Namespace {
  readonly name: string
  /** Lines for `ip -batch` inside. */
  ip(...lines: string[]): Promise<void>
  /** Traffic control inside. */
  tc(words: string): Promise<void>
  /** Rules or commands for nft inside. */
  nft(text: string): Promise<void>
  /** The words that start a program inside; the process that starts becomes the program. */
  inside(command: readonly string[]): readonly string[]
}

/** Makes namespaces whose names say which run made them, so that none outlives its run for long. */
export async function createNamespace(leaf: string): Promise<Namespace> {
  const name = namespaceName(ownRun(), leaf)
  await run(['ip', 'netns', 'add', name])
  const inside = (command: readonly string[]) => ['ip', 'netns', 'exec', name, ...command]
  const namespace: Namespace = {
    name,
    inside,
    ip: async (...lines) => void (await run(['ip', '-netns', name, '-batch', '-'], { input: `${lines.join('\n')}\n` })),
    tc: async (words) => void (await run(['tc', '-netns', name, ...words.split(' ')])),
    nft: async (text) => void (await run(inside(['nft', '-f', '-']), { input: text })),
  }
  // IPv6 would add a second way around every rule here.
  await run(inside(['sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv4.ip_forward=1']))
  await namespace.ip('link set lo up')
  return namespace
}

/** Ends every process in this run's namespaces and removes them; at once, for it also runs when the process ends. */
export function removeOwnNamespaces(): void {
  const own = ownRun()
  const isOwn = ({ processId, startTicks }: RunId) => processId === own.processId && startTicks === own.startTicks
  remove(isOwn)
}

/** Removes what runs left behind that are dead; returns the names. */
export function sweepDeadRuns(): readonly string[] {
  return remove((run) => !isAlive(run))
}

function remove(isMeant: (run: RunId) => boolean): readonly string[] {
  const listed = runNow(['ip', 'netns', 'list'])
  const names = listed.split('\n').map((line) => line.split(' ')[0] ?? '')
  const meant = names.filter((name) => {
    const maker = parseNamespaceName(name)
    return maker !== undefined && isMeant(maker)
  })
  for (const name of meant) {
    for (const processId of runNow(['ip', 'netns', 'pids', name]).split('\n').filter(Boolean)) endProcess(Number(processId))
  }
  runNow(['ip', '-batch', '-'], { input: meant.map((name) => `netns delete ${name}\n`).join('') })
  return meant
}

function endProcess(processId: number): void {
  try {
    process.kill(processId, 'SIGKILL')
  } catch {
    // It ended meanwhile.
  }
}
