// What a session costs a message, both ends on one core over a channel in memory, with one path and with two. Build first: npm run build.
import { createRuntime } from '@resilient-swarm/contract'
import { createSession, readHello } from '@resilient-swarm/session'

const ROUNDS = 7
const MESSAGES = 8_000

/** Ends in memory that hand messages over in the same turn, without a copy. */
function createEnds() {
  const create = () => ({
    maxMessageBytes: 16 * 1024,
    onMessage() {},
    onDrain() {},
    close() {},
    abort() {},
    closed: new Promise(() => {}),
  })
  const [left, right] = [create(), create()]
  const connect = (from, to) => {
    from.send = (message) => {
      to.onMessage(message)
      return true
    }
  }
  connect(left, right)
  connect(right, left)
  return { left, right }
}

/** Dialled by alice; the HELLO must not arrive before bob reads. */
async function dial(alice, bob, runtime) {
  const { left, right } = createEnds()
  const facts = { kind: 'memory', isDirect: true }
  const accepted = readHello({ channel: right, runtime }).then((hello) => bob.acceptPath({ channel: right, facts, hello }))
  await Promise.all([alice.addPath({ channel: left, facts }), accepted])
}

function measure(alice, byteCount) {
  const message = new Uint8Array(byteCount)
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()]
  for (let index = 0; index < MESSAGES; index++) alice.send(message)
  const cpu = process.cpuUsage(startCpu)
  return { wallUs: (performance.now() - startMs) * 1000, cpuUs: cpu.user + cpu.system }
}

function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]
}

const runtime = createRuntime()
for (const paths of [1, 2]) {
  const [alice, bob] = [createSession({ runtime }), createSession({ runtime })]
  for (let path = 0; path < paths; path++) await dial(alice, bob, runtime)
  let received = 0
  bob.onMessage = () => received++
  for (const byteCount of [100, 1_024, alice.maxMessageBytes]) {
    measure(alice, byteCount)
    const rounds = Array.from({ length: ROUNDS }, () => measure(alice, byteCount))
    const wallUs = median(rounds.map((round) => round.wallUs)) / MESSAGES
    const cpuUs = median(rounds.map((round) => round.cpuUs)) / MESSAGES
    console.log(
      `${paths} path(s), ${byteCount} bytes: ${wallUs.toFixed(2)} µs a message, ${cpuUs.toFixed(2)} µs of processor time`,
    )
  }
  const sent = 3 * (ROUNDS + 1) * MESSAGES
  if (received !== sent) throw new Error(`${received} of ${sent} arrived`)
  alice.close()
  await alice.closed
}
