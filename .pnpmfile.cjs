// The export condition that points tests at src/ means nothing outside this repository: it is left out of what is published.
const sourceCondition = '@resilient-swarm/source'

function withoutSource(node) {
  if (node === null || typeof node !== 'object' || Array.isArray(node)) return node
  const kept = Object.entries(node).filter(([condition]) => condition !== sourceCondition)
  return Object.fromEntries(kept.map(([condition, target]) => [condition, withoutSource(target)]))
}

function beforePacking(manifest) {
  if (manifest.exports) manifest.exports = withoutSource(manifest.exports)
  if (manifest.imports) manifest.imports = withoutSource(manifest.imports)
  return manifest
}

module.exports = { hooks: { beforePacking } }
