// What a page loads of `resilient-swarm`: it grows a little with every feature, and nobody notices. Past these bounds somebody has to.

/** Minified and gzipped, as `npm run bench -- link --only bundle` measures. Lower them when a page got lighter. */
const boundsKiB = { core: 89, full: 166 }

export async function checkBundle() {
  const { measureBundle } = await import('../apps/bench/dist/measure-bundle.js') // built by now
  const { bundleGzipKiB } = await measureBundle()
  return Object.entries(boundsKiB)
    .filter(([part, boundKiB]) => !(bundleGzipKiB[part] <= boundKiB))
    .map(
      ([part, boundKiB]) =>
        `A page loads ${bundleGzipKiB[part]} KiB (${part}), and the bound is ${boundKiB}. Load what is new with its first use by import(), or raise the bound and say why in apps/bench/README.md.`,
    )
}
