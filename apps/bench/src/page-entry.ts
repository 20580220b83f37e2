// What runs in each page: the same participant, on the browser's own WebRTC.
import { createParticipant } from './participant.ts'

Object.assign(globalThis, { participant: createParticipant({ PeerConnection: RTCPeerConnection }) })
