import { fileURLToPath } from 'node:url'
import { RTCPeerConnection } from 'node-datachannel/polyfill'
import { createParticipant, type Participant } from './participant.ts'
import { serveParent, startProcess } from './process.ts'
import type { PeerConnectionMaker } from './raw-channel.ts'

/** Starts a participant in a process of its own. */
export const startNodeParticipant = () => startProcess<Participant>(fileURLToPath(import.meta.url))

serveParent(() => createParticipant({ PeerConnection: RTCPeerConnection as unknown as PeerConnectionMaker }))
