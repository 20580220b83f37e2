// The Node node on the other side of the page: tells its key, then every peer, until it is ended.
import { Swarm } from 'resilient-swarm'

const swarm = new Swarm()
swarm.on('peer', (peer) => console.log('got', peer.publicKey))
swarm.on('error', (error) => console.error(error.code, error.message))
console.log('key', swarm.publicKey)
