/** Noise §5.3 and §9: what a message carries, in order. */
export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk'

export interface Pattern {
  /** Whether the initiator knows the responder's static key before the first message. */
  readonly knowsResponder: boolean
  /** The initiator's messages at even places, the responder's at odd ones. */
  readonly messages: readonly (readonly Token[])[]
}

/** Noise §7.4 and §7.5 (one-way X), with the psk modifiers of §9.4. XX and X are in use; the others keep us honest. */
export const PATTERNS = {
  NN: { knowsResponder: false, messages: [['e'], ['e', 'ee']] },
  XX: { knowsResponder: false, messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']] },
  XXpsk3: { knowsResponder: false, messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se', 'psk']] },
  IK: {
    knowsResponder: true,
    messages: [
      ['e', 'es', 's', 'ss'],
      ['e', 'ee', 'se'],
    ],
  },
  X: { knowsResponder: true, messages: [['e', 'es', 's', 'ss']] },
  Xpsk1: { knowsResponder: true, messages: [['e', 'es', 's', 'ss', 'psk']] },
} as const satisfies Record<string, Pattern>

export type PatternName = keyof typeof PATTERNS
