// The bare data channel that everything is measured against, driven well: what a careful author would write without us.

export const MESSAGE_BYTES = 16 * 1024

export type PeerConnectionMaker = new (configuration?: RTCConfiguration) => RTCPeerConnection

/** One end of a bare connection. Signals are handed over by whoever measures. */
export interface RawEnd {
  offer(): Promise<RawSignal>
  answer(offer: RawSignal): Promise<RawSignal>
  accept(answer: RawSignal): Promise<void>
  readonly opened: Promise<void>
  send(totalBytes: number, bufferedBytes: number): Promise<void>
  /** From now on messages count: a bare channel drops what nobody listens for. */
  expect(totalBytes: number): void
  /** Resolves with the ms from the first expected message to the last. */
  received(): Promise<number>
  echo(): void
  /** Round trips in ms, one after another. */
  pingPong(count: number, payloadBytes: number): Promise<number[]>
  close(): void
}

export interface RawSignal {
  readonly type: RTCSdpType
  readonly sdp: string
}

export function createRawEnd(PeerConnection: PeerConnectionMaker): RawEnd {
  const connection = new PeerConnection({ iceServers: [] })
  let expected = Promise.resolve(Number.NaN)
  let resolveOpened: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    resolveOpened = resolve
  })

  const own = connection.createDataChannel('bench', { negotiated: true, id: 0 })
  own.binaryType = 'arraybuffer'
  own.onopen = () => resolveOpened()

  /** Without trickle: the description that is handed over has every candidate in it. */
  async function describe(description: RTCSessionDescriptionInit): Promise<RawSignal> {
    const gathered = new Promise<void>((resolve) => {
      const check = () => connection.iceGatheringState === 'complete' && resolve()
      connection.onicegatheringstatechange = check
      void connection.setLocalDescription(description).then(check)
    })
    await gathered
    const local = connection.localDescription ?? description
    return { type: local.type as RTCSdpType, sdp: local.sdp ?? '' }
  }

  const accept = ({ type, sdp }: RawSignal): Promise<void> => connection.setRemoteDescription({ type, sdp })

  return {
    offer: async () => describe(await connection.createOffer()),
    async answer(offer) {
      await accept(offer)
      return describe(await connection.createAnswer())
    },
    accept,
    opened,
    async send(totalBytes, bufferedBytes) {
      const target = own
      const message = new Uint8Array(MESSAGE_BYTES)
      target.bufferedAmountLowThreshold = 0
      for (let sent = 0; sent < totalBytes; ) {
        while (sent < totalBytes && target.bufferedAmount < bufferedBytes) {
          target.send(message)
          sent += MESSAGE_BYTES
        }
        if (sent < totalBytes) {
          await new Promise<void>((resolve) => {
            target.onbufferedamountlow = () => resolve()
          })
        }
      }
    },
    expect(totalBytes) {
      expected = new Promise((resolve) => {
        let receivedBytes = 0
        let startedMs = 0
        own.onmessage = ({ data }) => {
          if (receivedBytes === 0) startedMs = performance.now()
          receivedBytes += (data as ArrayBuffer).byteLength
          if (receivedBytes >= totalBytes) resolve(performance.now() - startedMs)
        }
      })
    },
    received: () => expected,
    echo() {
      const target = own
      target.onmessage = ({ data }) => target.send(data as ArrayBuffer)
    },
    async pingPong(count, payloadBytes) {
      const target = own
      const payload = new Uint8Array(payloadBytes)
      const tripsMs: number[] = []
      for (let trip = 0; trip < count; trip++) {
        const startedMs = performance.now()
        await new Promise<void>((resolve) => {
          target.onmessage = () => resolve()
          target.send(payload)
        })
        tripsMs.push(performance.now() - startedMs)
      }
      return tripsMs
    },
    close() {
      own.close()
      connection.close()
    },
  }
}
