export { DOMAINS, type Domain } from './domains.ts'
export {
  ENVELOPE_OVERHEAD_BYTES,
  type EnvelopeToSeal,
  type OpenedEnvelope,
  openEnvelope,
  sealEnvelope,
} from './envelope.ts'
export type { IdentityErrorCode } from './identity-error.ts'
export { createKeyPair, type KeyPair } from './key-pair.ts'
export { ENVELOPE_PAYLOAD_BYTES_MAX } from './limits.ts'
export { encodePeerId, isPeerId, PEER_ID_LENGTH, parsePeerId, publicKeyOf } from './peer-id.ts'
export { type PublicKey, parsePublicKey, type SignatureToVerify, toDhPublic, verify } from './public-key.ts'
export {
  BOX_OVERHEAD_BYTES,
  BOX_PAYLOAD_BYTES_MAX,
  type BoxToOpen,
  type BoxToSeal,
  type OpenedBox,
  openBox,
  sealBox,
} from './sealed-box.ts'
