import { engine } from '#default-engine'
import type { Engine } from './engine-seam.ts'

export { engine as nobleEngine } from './engine-noble.ts'
export * from './engine-seam.ts'
/** `node:crypto` in Node, noble everywhere else. */
export const defaultEngine: Engine = engine
