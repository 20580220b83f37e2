import { Swarm } from 'resilient-swarm'

const query = new URLSearchParams(location.search)
const swarm = new Swarm({ signals: [query.get('signals')] })
swarm.on('peer', (peer) => {
  document.title = `got ${peer.publicKey}`
})
swarm.on('error', (error) => console.error(error.code, error.message))
console.log('key', swarm.publicKey)
swarm.call(query.get('key')).catch((error) => console.error(error.code, error.message))
