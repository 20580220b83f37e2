/** Why a relay or a target does not take a circuit, in REFUSE; the numbers of docs/protocol/relay.md. */
export const REFUSAL_CODES = Object.freeze({
  malformed: 1,
  notServing: 2,
  leaving: 3,
  tooFast: 4,
  busy: 5,
  perPeerLimit: 6,
  notAllowed: 7,
  loop: 8,
  notDirect: 9,
  unknownTarget: 10,
  targetRefused: 11,
  targetBusy: 12,
  timeout: 13,
})

export type Refusal = keyof typeof REFUSAL_CODES

/** The sentence for each, and whether the same dial may succeed later. */
export const REFUSALS: Readonly<Record<Refusal, { readonly says: string; readonly retryable: boolean }>> = Object.freeze({
  malformed: { says: 'it did not understand us; update whichever side is older', retryable: false },
  notServing: { says: 'it does not relay; choose another relay', retryable: false },
  leaving: { says: 'it is leaving; choose another relay', retryable: false },
  tooFast: { says: 'we dial through it too often; wait a few seconds', retryable: true },
  busy: { says: 'it has as many circuits as it takes; choose another relay or try again later', retryable: true },
  perPeerLimit: { says: 'we have as many circuits through it as it allows; close one or choose another relay', retryable: true },
  notAllowed: { says: 'its policy forbids this circuit; choose another relay', retryable: false },
  loop: { says: 'the circuit would lead back to where it came from; choose another relay', retryable: false },
  notDirect: { says: 'one of the two legs is itself relayed; choose a relay that both ends reach directly', retryable: true },
  unknownTarget: { says: 'it is not connected to the target; choose another relay', retryable: true },
  targetRefused: { says: 'the target does not want it', retryable: false },
  targetBusy: { says: 'the target has as many circuits as it takes; try again later', retryable: true },
  timeout: { says: 'the target did not answer it in time; try again or choose another relay', retryable: true },
})

/** Undefined for a number that this version does not know. */
export function refusalOfCode(code: number): Refusal | undefined {
  return NAMES.get(code)
}

const NAMES: ReadonlyMap<number, Refusal> = new Map(Object.entries(REFUSAL_CODES).map(([name, code]) => [code, name as Refusal]))

/**
 * How a circuit ended, in `CloseReason.code`. The relay says the first four in END; the others are never sent. Codes of
 * the layer above travel in CLOSE as they are, 0 is an ordinary end.
 */
export const CIRCUIT_END_CODES = Object.freeze({
  timeUp: 220,
  leaving: 221,
  legLost: 222,
  legMalformed: 223,
  lost: 224,
  malformed: 225,
  aborted: 226,
  unconfirmed: 227,
})
