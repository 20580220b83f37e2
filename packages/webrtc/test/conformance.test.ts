import { describeChannelConformance } from '@resilient-swarm/testkit'
import wrtc from '@roamhq/wrtc'
import { webrtc } from '../src/index.ts'
import { channelsOf, connectPaths } from './path-pair.ts'

const dataChannel = webrtc()
const roamhq = webrtc({ rtc: wrtc })

for (const [name, alice, bob] of [
  ['node-datachannel to node-datachannel', dataChannel, dataChannel],
  ['@roamhq/wrtc to @roamhq/wrtc', roamhq, roamhq],
  ['node-datachannel to @roamhq/wrtc', dataChannel, roamhq],
  ['@roamhq/wrtc to node-datachannel', roamhq, dataChannel],
] as const) {
  describeChannelConformance(`a path from ${name}`, {
    create: async () => channelsOf(await connectPaths({ alice, bob })),
  })
}
