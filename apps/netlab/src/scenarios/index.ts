import type { Scenario } from '../scenario.ts'
import { direct } from './direct.ts'
import { directCut } from './direct-cut.ts'
import { lines } from './lines.ts'
import { matrix } from './matrix.ts'
import { outage } from './outage.ts'
import { relayKill } from './relay-kill.ts'
import { slowDirect } from './slow-direct.ts'
import { upgrade } from './upgrade.ts'

/** All of them, the simplest first. */
export const SCENARIOS: readonly Scenario[] = [lines, direct, matrix, relayKill, directCut, upgrade, outage, slowDirect]
