import { atLeast, atMost, type Bar, type Outcome, quantile, round, type Scenario, type ScenarioOptions } from '../scenario.ts'
import { openWire, type Wire } from '../wire-client.ts'

const MIB = 1024 * 1024
const SPEED_BYTES = 128 * MIB
const DELAY_MS = 25
const LOSS = 0.2
const LIMIT_MBIT = 20

/** Whether the lab itself can be trusted: what a line adds when it should add nothing, and whether it does what it is told. */
export const lines: Scenario = {
  name: 'lines',
  summary: 'the lab itself: what a line costs without delay, and whether delay, loss, order and bandwidth are as told',
  quick: true,
  run,
}

async function run({ lab, tell }: ScenarioOptions): Promise<Outcome> {
  const [alice, bob] = [await lab.addHost('alice'), await lab.addHost('bob')]
  const carol = await lab.addHost('carol', { line: {} })
  const slow = await lab.addHost('dave', { megabitsPerSecond: LIMIT_MBIT })
  const cable = await measure(await openWire(alice, bob))
  tell(`a cable: ${cable.rttMs} ms, ${cable.megabitsPerSecond} Mb/s`)
  const wire = await openWire(alice, carol)
  const line = await measure(wire)
  tell(`a line: ${line.rttMs} ms, ${line.megabitsPerSecond} Mb/s`)

  await carol.uplink?.shape({ delayMs: DELAY_MS })
  const delayed = await tripMs(wire)
  await carol.uplink?.shape({ delayMs: 0, loss: LOSS }, 'a')
  const lost = 1 - (await wire.roundTrips({ count: 1_000, intervalMs: 1 })).length / 1_000
  await carol.uplink?.shape({ delayMs: 5, loss: 0, reorder: 0.2 }, 'a')
  const numbers = (await wire.roundTrips({ count: 500, intervalMs: 1 })).map(({ number }) => number)
  const overtaken = numbers.filter((number, index) => index > 0 && number < (numbers[index - 1] ?? 0)).length / numbers.length
  const limited = await (await openWire(alice, slow)).megabitsPerSecond(8 * MIB)
  tell(
    `told ${2 * DELAY_MS} ms: ${round(delayed)}; told ${LOSS} lost: ${lost.toFixed(3)}; told ${LIMIT_MBIT} Mb/s: ${round(limited)}`,
  )

  return {
    rows: [
      { wire: 'cable', 'rtt, ms': cable.rttMs, 'Mb/s': cable.megabitsPerSecond },
      { wire: 'line without delay', 'rtt, ms': line.rttMs, 'Mb/s': line.megabitsPerSecond },
      { wire: `line of ${DELAY_MS} ms each way`, 'rtt, ms': round(delayed), 'Mb/s': '' },
      { wire: `cable of ${LIMIT_MBIT} Mb/s`, 'rtt, ms': '', 'Mb/s': round(limited) },
    ],
    bars: [
      atMost('a line adds', line.rttMs - cable.rttMs, 2, 'ms'),
      atLeast('a line carries', line.megabitsPerSecond, 200, 'Mb/s'),
      atLeast('delay', delayed, 2 * DELAY_MS, 'ms'),
      atMost('delay', delayed, 2 * DELAY_MS + 5, 'ms'),
      near('part that is lost', lost, LOSS),
      atLeast('part that arrived late', overtaken, 0.02),
      near(`part of ${LIMIT_MBIT} Mb/s`, limited / LIMIT_MBIT, 0.9),
    ],
  }
}

async function measure(wire: Wire): Promise<{ rttMs: number; megabitsPerSecond: number }> {
  const rttMs = await tripMs(wire)
  return { rttMs: Math.round(rttMs * 100) / 100, megabitsPerSecond: Math.round(await wire.megabitsPerSecond(SPEED_BYTES)) }
}

async function tripMs(wire: Wire): Promise<number> {
  const trips = await wire.roundTrips({ count: 200, intervalMs: 2 })
  return quantile(
    trips.map(({ rttMs }) => rttMs),
    0.5,
  )
}

/** Within 0.1 of what was told: chance, headers and slow starts have their part. */
function near(what: string, measured: number, told: number): Bar {
  const passed = Math.abs(measured - told) <= 0.1
  return { what, measured: Math.round(measured * 1_000) / 1_000, bar: `${told} ± 0.1`, passed }
}
