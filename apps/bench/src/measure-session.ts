import { type Carrier, type SessionProcess, startSessionParticipant } from './session-participant.ts'
import { median, round } from './statistics.ts'

export interface SessionPlan {
  readonly rounds: number
  readonly messages: number
}

interface Pair {
  readonly alice: SessionProcess
  readonly bob: SessionProcess
}

/** What the session costs: the same messages over a sealed WebRTC channel and over a session on such a channel, alternating. */
export async function measureSession({ plan, tell }: { plan: SessionPlan; tell: (line: string) => void }) {
  const pair = { alice: startSessionParticipant(), bob: startSessionParticipant() }
  try {
    await Promise.all([connect(pair, 'cipher'), connect(pair, 'session')])
    return await compare(pair, plan, tell)
  } finally {
    await Promise.all([pair.alice.kill(), pair.bob.kill()])
  }
}

async function connect({ alice, bob }: Pair, carrier: Carrier): Promise<void> {
  const [aliceKey, bobKey] = await Promise.all([alice.key(), bob.key()])
  void carry(carrier, alice, bob)
  void carry(carrier, bob, alice)
  await Promise.all([
    alice.connect({ carrier, role: 'initiator', peer: bobKey }),
    bob.connect({ carrier, role: 'responder', peer: aliceKey }),
  ])
}

/** Until one of them ends. */
async function carry(carrier: Carrier, from: SessionProcess, to: SessionProcess): Promise<void> {
  try {
    for (;;) await to.hear(carrier, await from.nextSignal(carrier))
  } catch {}
}

async function compare({ alice, bob }: Pair, { rounds, messages }: SessionPlan, tell: (line: string) => void) {
  const messageBytes = Math.min(await alice.messageBytesMax('cipher'), await alice.messageBytesMax('session'))
  async function measure(carrier: Carrier): Promise<number> {
    await bob.expect(carrier, messages)
    const sent = alice.send(carrier, messages, messageBytes)
    const tookMs = await bob.received(carrier)
    await sent
    return (messages * messageBytes) / 1e3 / tookMs
  }

  const speeds: Record<Carrier, number[]> = { cipher: [], session: [] }
  for (let turn = 0; turn < rounds + 1; turn++) {
    const order: readonly Carrier[] = turn % 2 === 0 ? ['cipher', 'session'] : ['session', 'cipher']
    const measured: Record<Carrier, number> = { cipher: 0, session: 0 }
    for (const carrier of order) measured[carrier] = await measure(carrier)
    const { cipher, session } = measured
    tell(`session ${turn === 0 ? 'warm-up' : turn}: cipher ${cipher.toFixed(1)} MB/s, session over it ${session.toFixed(1)} MB/s`)
    if (turn === 0) continue
    speeds.cipher.push(cipher)
    speeds.session.push(session)
  }
  return {
    cipherMBps: round(median(speeds.cipher), 1),
    sessionMBps: round(median(speeds.session), 1),
    sessionOverCipher: round(median(speeds.session.map((session, index) => session / (speeds.cipher[index] as number)))),
  }
}
