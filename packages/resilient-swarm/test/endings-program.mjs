// What endings.test.ts runs as a process of its own, on the built package.
import { readdirSync, readFileSync } from 'node:fs'
import { queryObjects } from 'node:v8'
import { Swarm } from '../dist/index.js'

const [, , what, ...words] = process.argv

if (what === 'close') {
  const [state, url, key] = words
  const swarm = new Swarm({ signals: [url] })
  if (state === 'connected' || state === 'bereft') await swarm.call(key)
  if (state === 'bereft') {
    console.log('connected')
    await new Promise((resolve) => process.stdin.once('data', resolve)) // the peer is killed now
    process.stdin.destroy()
  }
  if (state === 'connecting') {
    await swarm.ready
    void swarm.call(key)
  }
  if (state === 'unreachable') {
    void swarm.call(key)
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  console.log('closing')
  await swarm.close()
}

if (what === 'serve') {
  const [url] = words
  const swarm = new Swarm({ signals: [url] })
  await swarm.ready
  console.log(`key ${swarm.publicKey}`)
}

if (what === 'stay') {
  const [url, key] = words
  await new Swarm({ signals: [url] }).call(key)
  console.log('connected')
}

if (what === 'cycle') {
  const [cycles, url] = words
  const cycle = async () => {
    const [alice, bob] = [new Swarm({ signals: [url] }), new Swarm({ signals: [url] })]
    await alice.call(bob.publicKey)
    await Promise.all([alice.close(), bob.close()])
  }
  const run = async (count) => {
    for (let done = 0; done < count; done++) await cycle()
  }
  await run(80) // until the compiler and every cache have what they want
  console.log(`before ${JSON.stringify(await weigh())}`)
  await run(Number(cycles))
  console.log(`after ${JSON.stringify(await weigh())}`)
}

/** What this process holds, after all that ends late has ended. */
async function weigh() {
  for (let pass = 0; pass < 10; pass++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const threads = Number(/Threads:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  const descriptors = readdirSync('/proc/self/fd').length
  return { threads, descriptors, objects: queryObjects(Object, { format: 'count' }) }
}
