import type { Peer, PeerId, Substream, Swarm } from 'resilient-swarm'
import { createLineDecoder, encodeLine } from './chat-lines.ts'
import { CHAT_BURST_LINES, CHAT_BURST_PAUSE_MS, CHAT_LINES_WAITING_MAX, CHAT_SUBSTREAMS_MAX } from './limits.ts'

/** The substream type of the chat. Each side writes on the one that it opened and reads those that it was opened. */
const CHAT_TYPE = 'chat'

export interface ChatOptions {
  readonly swarm: Swarm
  readonly onLine: (from: PeerId, text: string) => void
}

export interface Chat {
  /** Sends a line to everybody connected; resolves with how many took it. A RangeError for what is no line. */
  say(text: string): Promise<number>
}

export function createChat({ swarm, onLine }: ChatOptions): Chat {
  const mouths = new Map<Peer, Mouth>()
  const served = new Map<Peer, number>()

  swarm.on('peer-left', (peer) => {
    mouths.delete(peer)
    served.delete(peer)
  })
  swarm.on('stream', (substream, peer) => {
    const count = served.get(peer) ?? 0
    if (substream.type !== CHAT_TYPE || count >= CHAT_SUBSTREAMS_MAX) return substream.reset()
    served.set(peer, count + 1)
    void listen(substream, (text) => onLine(peer.publicKey, text)).finally(() => {
      if (served.has(peer)) served.set(peer, (served.get(peer) ?? 1) - 1)
    })
  })

  return {
    async say(text) {
      const line = encodeLine(text)
      const taken = await Promise.all(
        swarm.peers.map((peer) => {
          const mouth = mouths.get(peer) ?? createMouth(peer)
          mouths.set(peer, mouth)
          return mouth.say(line.slice())
        }),
      )
      return taken.filter(Boolean).length
    },
  }
}

/** Our way to speak to one peer: a substream that is opened with the first line, and anew after it was reset. */
interface Mouth {
  /** False when the peer does not chat, is gone, or has left too many lines waiting. */
  say(line: Uint8Array): Promise<boolean>
}

function createMouth(peer: Peer): Mouth {
  let opened: Promise<WritableStreamDefaultWriter<Uint8Array>> | undefined
  let waiting = 0

  async function open(): Promise<WritableStreamDefaultWriter<Uint8Array>> {
    const substream = await peer.openStream(CHAT_TYPE)
    void substream.readable.cancel().catch(() => {}) // they speak on their own
    return substream.writable.getWriter()
  }

  return {
    async say(line) {
      if (waiting >= CHAT_LINES_WAITING_MAX) return false
      waiting++
      opened ??= open()
      const used = opened
      try {
        await (await used).write(line)
        return true
      } catch {
        if (opened === used) opened = undefined
        return false
      } finally {
        waiting--
      }
    },
  }
}

/** Reads lines until the substream ends; a peer that sends anything else is cut off. */
async function listen(substream: Substream, onLine: (text: string) => void): Promise<void> {
  const decoder = createLineDecoder()
  const reader = substream.readable.getReader()
  void substream.writable.close().catch(() => {}) // we speak on our own
  try {
    for (let inBurst = 0; ; ) {
      const { value, done } = await reader.read()
      if (done) return
      const lines = decoder.push(value)
      if (lines === 'invalid') return substream.reset()
      for (const line of lines) {
        if (line !== '') onLine(line)
        inBurst = (inBurst + 1) % CHAT_BURST_LINES
        if (inBurst === 0) await new Promise((resolve) => setTimeout(resolve, CHAT_BURST_PAUSE_MS))
      }
    }
  } catch {
    // Reset by the peer, or the peer is gone: there is nothing more to read.
  }
}
