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
  /** Resolves with the ms from the first message to the last. */
  receive(totalBytes: number): Promise<number>
  echo(): void
  /** Round trips in ms, one after another. */
  pingPong(count: number, payloadBytes: number): Promise<number[]>
  close(): void
}

export interface RawSignal {
  readonly type: RTCSdpType
  readonly sdp: string
  readonly candidates: readonly RTCIceCandidateInit[]
}

export function createRawEnd(PeerConnection: PeerConnectionMaker): RawEnd {
  const connection = new PeerConnection({ iceServers: [] })
  let channel: RTCDataChannel | undefined
  let resolveOpened: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    resolveOpened = resolve
  })

  const own = connection.createDataChannel('bench', { negotiated: true, id: 0 })
  own.binaryType = 'arraybuffer'
  own.onopen = () => resolveOpened()
  channel = own

  async function describe(description: RTCSessionDescriptionInit): Promise<RawSignal> {
    const candidates: RTCIceCandidateInit[] = []
    const gathered = new Promise<void>((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (!candidate) return resolve()
        const { candidate: line, sdpMid, sdpMLineIndex } = candidate
        candidates.push({ candidate: line, sdpMid, sdpMLineIndex })
      }
      connection.onicegatheringstatechange = () => {
        if (connection.iceGatheringState === 'complete') resolve()
      }
    })
    await connection.setLocalDescription(description)
    await gathered
    const local = connection.localDescription ?? description
    return { type: local.type as RTCSdpType, sdp: local.sdp ?? '', candidates }
  }

  async function accept({ type, sdp, candidates }: RawSignal): Promise<void> {
    await connection.setRemoteDescription({ type, sdp })
    for (const candidate of candidates) await connection.addIceCandidate(candidate).catch(() => {}) // mDNS names, in Node
  }

  function openChannel(): RTCDataChannel {
    if (!channel) throw new Error('the bare channel is not open')
    return channel
  }

  return {
    offer: async () => describe(await connection.createOffer()),
    async answer(offer) {
      await accept(offer)
      return describe(await connection.createAnswer())
    },
    accept,
    opened,
    async send(totalBytes, bufferedBytes) {
      const target = openChannel()
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
    receive(totalBytes) {
      return new Promise((resolve) => {
        let receivedBytes = 0
        let startedMs = 0
        openChannel().onmessage = ({ data }) => {
          if (receivedBytes === 0) startedMs = performance.now()
          receivedBytes += (data as ArrayBuffer).byteLength
          if (receivedBytes >= totalBytes) resolve(performance.now() - startedMs)
        }
      })
    },
    echo() {
      const target = openChannel()
      target.onmessage = ({ data }) => target.send(data as ArrayBuffer)
    },
    async pingPong(count, payloadBytes) {
      const target = openChannel()
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
      channel?.close()
      connection.close()
    },
  }
}
