// What a user's TypeScript sees of the published types.
import { Swarm } from 'resilient-swarm'

const swarm: Swarm = new Swarm({ signals: ['ws://127.0.0.1:6688'] })
const key: string = swarm.publicKey
swarm.on('peer', (peer) => {
  const peerKey: string = peer.publicKey
  console.log(key, peerKey, peer.rttMs)
})
// @ts-expect-error A misspelt option is an error, so the options are not `any`.
new Swarm({ signal: [] })
