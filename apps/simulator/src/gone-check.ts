import { GONE_ANSWER_MS, GONE_ASKED_MAX, GONE_CHECK_MS, GONE_CHECKS } from './limits.ts'
import type { SimulatedNode } from './node.ts'
import type { SimulatedPeer } from './peer.ts'

/**
 * Whether a peer that fell silent is gone for good, as the facade's path keeper and `isGoneForGood` ask it: a signal server must
 * know it to be offline and no neighbour may reach it, several times in a row. Without a server only the session's own patience ends it.
 */
export function checkWhetherGone(node: SimulatedNode, peer: SimulatedPeer): void {
  const { clock } = node.runtime
  let inARow = 0

  async function check(): Promise<void> {
    if (peer.state !== 'reconnecting') return
    inARow = (await isGone()) ? inARow + 1 : 0
    if (inARow >= GONE_CHECKS) peer.end.giveUp()
    else clock.setTimer(GONE_CHECK_MS, () => void check())
  }

  async function isGone(): Promise<boolean> {
    const told = node.server?.lookUp(node.host, peer.publicKey)
    if (!told) return false
    await new Promise<void>((resolve) => void clock.setTimer(told.afterMs, resolve))
    if (told.isOnline) return false
    const asked = node.connected.filter(({ publicKey }) => publicKey !== peer.publicKey).slice(0, GONE_ASKED_MAX)
    const answers = await Promise.all(asked.map((neighbour) => neighbour.reaches(peer.publicKey, GONE_ANSWER_MS)))
    return !answers.includes(true)
  }

  void check()
}
