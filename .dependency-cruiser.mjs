// The layers: arrows point down only, never sideways. Tests are exempt; they may reach for whatever they compare with.
const siblings = 'signal-exchange|webrtc|cipher-stream|session|multiplexer|rpc|peer-table|relay|mesh|database-share'
const source = (packages) => `^packages/(${packages})/src/`
const anything = '^(packages|apps)/'

/** What `name` may import besides itself. */
const only = ({ name, from, to, comment }) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: anything, pathNot: to },
})

export default {
  forbidden: [
    only({
      name: 'L0-contract',
      from: source('contract'),
      to: ['^packages/contract/'],
      comment: 'The contract is the ground: it knows nobody.',
    }),
    only({
      name: 'L1-identity',
      from: source('identity'),
      to: ['^packages/(contract|identity)/'],
      comment: 'Identity stands on the contract alone.',
    }),
    only({
      name: 'L2-siblings',
      from: source(siblings),
      to: ['^packages/(contract|identity)/', '^packages/$1/'],
      comment: 'A part never imports another part of its layer: the facade hands each what it needs.',
    }),
    only({
      name: 'L3-signal-server',
      from: '^apps/signal-server/src/',
      to: ['^apps/signal-server/', '^packages/(contract|identity|signal-exchange)/'],
      comment: 'The signal server speaks the protocol; it is no member of the swarm.',
    }),
    only({
      name: 'L3-simulator',
      from: '^apps/simulator/src/',
      to: ['^apps/simulator/', '^packages/(contract|identity|peer-table|mesh)/'],
      comment: 'The simulator runs what is plain: no WebRTC, no session, no facade. What it runs must not need them either.',
    }),
    only({
      name: 'L4-facade',
      from: source('resilient-swarm'),
      to: [`^packages/(contract|identity|resilient-swarm|${siblings})/`, '^apps/signal-server/'],
      comment: 'The facade composes the parts, and no app but the signal server, which a node can be itself.',
    }),
    only({
      name: 'testkit',
      from: source('testkit'),
      to: ['^packages/(contract|testkit)/'],
      comment: 'Every test uses the testkit, so it knows the contract only.',
    }),
    {
      name: 'no-cycles',
      comment: 'A cycle works by load order only. Types alone may go round.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'everything-resolves',
      comment: 'An import that resolves to nothing hides what it points at.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      conditionNames: ['@resilient-swarm/source', 'node', 'import', 'types', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.d.ts', '.mjs', '.js', '.cjs', '.json'],
    },
  },
}
