import { Swarm } from 'resilient-swarm'
import { createCallBox } from './call-box.ts'
import { createChat } from './chat.ts'
import { createChatView } from './chat-view.ts'
import { find } from './find-element.ts'
import { REFRESH_MS } from './limits.ts'
import { createNotice } from './notice.ts'
import { showOwnKey } from './own-key-view.ts'
import { summaryWords } from './path-words.ts'
import { createPeersView, type View } from './peers-view.ts'
import { readRelay, readSignals } from './query.ts'
import { createRecordsView } from './records-view.ts'
import { createRelayView } from './relay-view.ts'
import { keepSeed, type SeedKeeper } from './seed.ts'
import { createServersView } from './servers-view.ts'

declare global {
  interface Window {
    /** For the curious: the node of this tab, in the console. */
    swarm: Swarm
  }
}

const notice = createNotice()
const seeds = keepSeed(() => window.sessionStorage)
try {
  start(createSwarm(seeds), seeds)
} catch (error) {
  notice.tell(error instanceof Error ? error.message : String(error)) // a wrong `?signals=` says so itself
  throw error
}

function createSwarm({ seed }: SeedKeeper): Swarm {
  const signals = readSignals(location.search)
  return new Swarm({ seed, relay: { serve: readRelay(location.search) }, ...(signals ? { signals } : {}) })
}

function start(swarm: Swarm, seeds: SeedKeeper): void {
  window.swarm = swarm
  const callBox = tellTroubles(swarm, seeds)
  showOwnKey(swarm.publicKey)
  const chat = createChat({ swarm, onLine: (from, text) => chatView.show(from, text) })
  const chatView = createChatView({ ownKey: swarm.publicKey, onSay: (text) => chat.say(text) })
  const views = [
    createPeersView(swarm, { onChange: () => refresh() }),
    createRecordsView(swarm),
    createServersView(swarm),
    createRelayView(swarm),
    callBox,
  ]

  function refresh(): void {
    for (const view of views) view.refresh()
    const count = swarm.peers.length
    const words = summaryWords(swarm.peers)
    const summary = find('#summary', HTMLElement)
    if (summary.textContent !== words) summary.textContent = words // a status is read aloud each time it is set
    document.title = count === 0 ? 'ResilientSwarm' : `(${count}) ResilientSwarm`
  }

  swarm.on('peer', refresh).on('peer-left', refresh)
  swarm.ready.then(refresh, refresh)
  setInterval(refresh, REFRESH_MS)
  refresh()
  // No goodbye: the page cannot tell a reload from the end, and after a reload this tab is the same node again.
  window.addEventListener('pagehide', () => swarm.destroy())
}

/** Troubles go to the bar at the top, except those of a call: the call box tells them where the user looks. */
function tellTroubles(swarm: Swarm, seeds: SeedKeeper): View {
  const toldElsewhere = new WeakSet<object>()
  const callBox = createCallBox(swarm, { onFailure: (error) => toldElsewhere.add(error as object) })
  // A call's failure is an event first and reaches its caller afterwards.
  swarm.on('error', (error) => setTimeout(() => toldElsewhere.has(error) || notice.tell(error.message)))
  swarm.ready.then(
    () => notice.clear(),
    () => {},
  )
  swarm.on('displaced', () =>
    notice.offerNewNode('A newer tab has the same key, so this one has left the swarm.', () => {
      seeds.forget()
      location.reload()
    }),
  )
  return callBox
}
