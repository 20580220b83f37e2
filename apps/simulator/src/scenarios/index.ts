import type { Scenario } from '../scenario.ts'
import { deaths } from './death.ts'
import { growth } from './growth.ts'
import { partition } from './partition.ts'
import { scale } from './scale.ts'
import { signals } from './signals.ts'
import { spread, spreadChurn } from './spread.ts'
import { traffic } from './traffic.ts'

export const SCENARIOS: readonly Scenario[] = [spread, spreadChurn, ...deaths, ...signals, traffic, growth, partition, scale]
