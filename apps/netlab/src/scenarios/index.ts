import type { Scenario } from '../scenario.ts'
import { direct } from './direct.ts'

/** All of them, the simplest first. */
export const SCENARIOS: readonly Scenario[] = [direct]
