/** What whoever has no mesh yet asks of it, apart, so that a page joins before the rest is loaded. */
export { proveDelivery } from './acknowledge.ts'
export { isLarger } from './choose-calls.ts'
export { createLinkGraph } from './link-graph.ts'
export { createLinksTeller } from './links-teller.ts'
