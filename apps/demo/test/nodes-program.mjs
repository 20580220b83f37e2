// Several nodes in one process, moved by lines of JSON: what chromium-nineteen.test.ts runs, on the built package.
import { createInterface } from 'node:readline'
import { Swarm } from 'resilient-swarm'

const swarms = JSON.parse(process.argv[2]).map((options) => new Swarm(options))
const tell = (facts) => process.stdout.write(`${JSON.stringify(facts)}\n`)
for (const swarm of swarms) {
  swarm.on('peer', () => tell({ what: 'peers', key: swarm.publicKey, count: swarm.peers.length }))
  swarm.on('error', ({ code, message }) => tell({ what: 'error', key: swarm.publicKey, code, message }))
}
tell({ what: 'keys', keys: swarms.map(({ publicKey }) => publicKey) })

/** Calls until it is answered, and counts: a session may end under a call, as when both ends have just made one. */
async function reach(swarm, key) {
  for (let again = 0; ; again++) {
    try {
      await (await swarm.call(key)).rpc.ping()
      return again
    } catch (error) {
      if (again === 3) throw error
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, keys } = JSON.parse(line)
  if (ask === 'close') break
  const work = swarms.map(async (swarm) => {
    if (ask === 'known') return keys.filter((key) => swarm.table.get(key)).length
    // one after the other: what counts is that each answers, not how many at once
    let again = 0
    for (const key of keys) if (key !== swarm.publicKey) again += await reach(swarm, key)
    return again
  })
  try {
    tell({ what: ask, counts: await Promise.all(work) })
  } catch ({ code, message }) {
    tell({ what: 'failed', code, message })
  }
}
await Promise.all(swarms.map((swarm) => swarm.close()))
process.stdin.destroy()
