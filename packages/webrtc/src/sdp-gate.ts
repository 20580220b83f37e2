import { MESSAGE_BYTES_MAX, SDP_BYTES_MAX } from './limits.ts'
import { type WebrtcError, webrtcError } from './webrtc-error.ts'

export type DtlsSetup = 'actpass' | 'active' | 'passive'

/** All that one end has to know of the other's data-channel description. */
export interface SdpFacts {
  /** SHA-256 of the peer's DTLS certificate, 32 bytes. */
  readonly fingerprint: Uint8Array
  readonly setup: DtlsSetup
  readonly ufrag: string
  readonly password: string
  readonly mid: string
  readonly sctpPort: number
  /** 0: without limit (RFC 8841 §6.1). */
  readonly messageBytesMax: number
}

export interface CheckedSdp extends SdpFacts {
  /** Written anew from the facts: nothing else of the peer's text gets further. */
  readonly sdp: string
  /** The candidate lines that were in it, unchecked. */
  readonly candidates: readonly string[]
}

const LINE = /^[a-z]=[\x20-\x7e]*$/
const MEDIA = /^application [1-9]\d{0,4} UDP\/DTLS\/SCTP webrtc-datachannel$/
const FINGERPRINT = /^sha-256 ((?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})$/
const SETUP = /^(actpass|active|passive)$/
const ICE_UFRAG = /^([A-Za-z0-9+/]{4,256})$/ // RFC 8839 §5.4
const ICE_PASSWORD = /^([A-Za-z0-9+/]{22,256})$/
const MID = /^([A-Za-z0-9]{1,3})$/ // node-datachannel takes no longer one with a candidate
const NUMBER = /^(\d{1,10})$/

const MESSAGE_BYTES_DEFAULT = 64 * 1024 // RFC 8841 §6.1

/**
 * Reads a description that somebody else wrote: at most 8 KiB, one data-channel section and nothing beside it, one SHA-256
 * fingerprint. Throws ERR_WEBRTC_SDP.
 */
export function checkSdp(sdp: unknown): CheckedSdp {
  if (typeof sdp !== 'string') throw refusal('is not text')
  if (sdp.length > SDP_BYTES_MAX) throw refusal(`has more than ${SDP_BYTES_MAX} characters`)
  const lines = sdp.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  if (!lines.every((line) => LINE.test(line))) throw refusal('has a line that is not SDP')
  const media = lines.filter((line) => line.startsWith('m='))
  if (media.length !== 1 || !MEDIA.test(media[0]?.slice(2) ?? '')) throw refusal('must have one data-channel section only')
  const attributes = readAttributes(lines)
  const facts: SdpFacts = {
    fingerprint: parseFingerprint(only(attributes, 'fingerprint', FINGERPRINT)),
    setup: only(attributes, 'setup', SETUP) as DtlsSetup,
    ufrag: only(attributes, 'ice-ufrag', ICE_UFRAG),
    password: only(attributes, 'ice-pwd', ICE_PASSWORD),
    mid: only(attributes, 'mid', MID),
    sctpPort: parseSctpPort(only(attributes, 'sctp-port', NUMBER)),
    messageBytesMax: parseMessageBytesMax(attributes),
  }
  return { ...facts, sdp: writeSdp(facts), candidates: (attributes.get('candidate') ?? []).map((value) => `candidate:${value}`) }
}

/** As `checkSdp`, for an answer: it has to choose a DTLS role (RFC 5763 §5). */
export function checkAnswer(sdp: unknown): CheckedSdp {
  const checked = checkSdp(sdp)
  if (checked.setup === 'actpass') throw refusal('is an answer that leaves the DTLS roles open')
  return checked
}

/** The description as every implementation takes it, a third of what browsers write. */
export function writeSdp(facts: SdpFacts): string {
  const fingerprint = Array.from(facts.fingerprint, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':')
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${facts.mid}`,
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${facts.ufrag}`,
    `a=ice-pwd:${facts.password}`,
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${fingerprint}`,
    `a=setup:${facts.setup}`,
    `a=mid:${facts.mid}`,
    `a=sctp-port:${facts.sctpPort}`,
    `a=max-message-size:${facts.messageBytesMax}`,
    '',
  ].join('\r\n')
}

/** Our own description without its candidates; they travel beside it. */
export function withoutCandidates(sdp: string): string {
  return sdp.replace(/^a=(?:candidate:.*|end-of-candidates)\r?\n/gm, '')
}

/** The candidates in our own description. */
export function candidateLines(sdp = ''): string[] {
  return sdp.match(/^a=candidate:.*$/gm) ?? []
}

/**
 * The DTLS role that an offer of ours leaves us. libdatachannel (which signs `o=rtc`) has to be the client: as server it drops
 * the answerer's first flight when that comes before its own ICE is connected, and gets it again a whole second later.
 * The WebRTC of browsers keeps an early flight, so there the answerer may begin.
 */
export function offeredSetup(sdp: string): DtlsSetup {
  return /^o=rtc /m.test(sdp) ? 'active' : 'actpass'
}

function readAttributes(lines: readonly string[]): Map<string, string[]> {
  const attributes = new Map<string, string[]>()
  for (const line of lines) {
    if (!line.startsWith('a=')) continue
    const [, name = '', value = ''] = /^a=([^:]*):?(.*)$/.exec(line) ?? []
    const values = attributes.get(name) ?? []
    values.push(value)
    attributes.set(name, values)
  }
  return attributes
}

/** The value of an attribute that must be there exactly once, in the whole description. */
function only(attributes: ReadonlyMap<string, readonly string[]>, name: string, form: RegExp): string {
  const values = attributes.get(name) ?? []
  const match = values.length === 1 ? form.exec(values[0] as string) : null
  if (!match) throw refusal(`must have one a=${name} of the known form`)
  return match[1] as string
}

function parseFingerprint(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16))
}

function parseSctpPort(text: string): number {
  const port = Number(text)
  if (port < 1 || port > 0xffff) throw refusal('names an SCTP port that does not exist')
  return port
}

function parseMessageBytesMax(attributes: ReadonlyMap<string, readonly string[]>): number {
  if (!attributes.has('max-message-size')) return MESSAGE_BYTES_DEFAULT
  const bytes = Number(only(attributes, 'max-message-size', NUMBER))
  if (bytes !== 0 && bytes < MESSAGE_BYTES_MAX) throw refusal(`takes no messages of ${MESSAGE_BYTES_MAX} bytes`)
  return Math.min(bytes, 0x7fff_ffff) // a larger number overflows in some parsers
}

function refusal(fault: string): WebrtcError {
  return webrtcError('ERR_WEBRTC_SDP', `The session description ${fault}; the peer's WebRTC or a signal server is at fault.`)
}
