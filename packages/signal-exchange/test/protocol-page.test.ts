import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { concatBytes, decodeBase64Url, decodeHex, encodeHex, utf8 } from '@resilient-swarm/contract'
import { createKeyPair, toDhPublic } from '@resilient-swarm/identity'
import { defaultEngine } from '@resilient-swarm/identity/engine'
import { createNoise } from '@resilient-swarm/identity/noise'
import { openSignal } from '../src/index.ts'
import { CLOSE_CODES, loginPayload, parseClientFrame, parseServerFrame, signLogin } from '../src/protocol.ts'
import { signalPrologue } from '../src/sealed-signal.ts'
import { encodeContent, parseContent } from '../src/signal-content.ts'

const page = readFileSync(new URL('../../../docs/protocol/signals.md', import.meta.url), 'utf8')
const alice = createKeyPair({ seed: new Uint8Array(32).fill(0xa1) })
const bob = createKeyPair({ seed: new Uint8Array(32).fill(0xb0) })

/** The bytes of one hex block of the page, without labels and breaks. */
function hexOf(title: string): string {
  const block = page.match(new RegExp(`^\`\`\`hex ${title}\\n([^\`]*)^\`\`\`$`, 'm'))?.[1]
  if (block === undefined) throw new Error(`the page has no hex block '${title}'`)
  return block.replace(/#.*$/gm, '').replace(/\s/g, '')
}

/** The texts of the JSON blocks of one kind. */
const jsonOf = (kind: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`json ${kind}\\n(.*)\\n\`\`\`$`, 'gm'))].map(([, text]) => text as string)

describe('docs/protocol/signals.md', () => {
  it('shows frames of every type, for the right side', () => {
    const [client, server] = [jsonOf('client').map(parseClientFrame), jsonOf('server').map(parseServerFrame)]
    expect(client.map((frame) => frame?.type)).toEqual(['register', 'lookup', 'send'])
    expect(server.map((frame) => frame?.type)).toEqual(['challenge', 'registered', 'online', 'sent', 'failed', 'signal'])
  })

  it('lists every close code', () => {
    const listed = [...page.matchAll(/^\| (\d{4}) \| (\w+) \|/gm)].map(([, code, name]) => [name, Number(code)])
    expect(Object.fromEntries(listed)).toEqual(CLOSE_CODES)
  })

  it('shows the login of its keys', () => {
    expect([encodeHex(alice.publicKey), encodeHex(bob.publicKey)]).toEqual([hexOf('key of alice'), hexOf('key of bob')])
    const [challenge] = jsonOf('server').map(parseServerFrame)
    const [register] = jsonOf('client').map(parseClientFrame)
    if (challenge?.type !== 'challenge' || register?.type !== 'register') throw new Error('the page begins otherwise')
    expect(register.key).toBe(alice.peerId)
    const claim = { origin: register.origin, nonce: decodeBase64Url(challenge.nonce) as Uint8Array, timeMs: register.time }
    expect(encodeHex(loginPayload(claim, alice.publicKey))).toBe(hexOf('claim'))
    expect(encodeHex(signLogin(alice, claim))).toBe(hexOf('signature'))
    expect(encodeHex(decodeBase64Url(register.signature) as Uint8Array)).toBe(hexOf('signature'))
  })

  it('shows a sealed signal byte for byte', () => {
    const [id, [json]] = [hexOf('id'), jsonOf('content')]
    const content = parseContent(JSON.parse(json as string))
    if (!content) throw new Error('the content on the page is none')
    expect(content.attempt).toBe(hexOf('attempt'))
    const prologue = signalPrologue({ network: 'public', to: bob.publicKey, id })
    expect(encodeHex(prologue)).toBe(hexOf('prologue'))
    const padded = encodeContent(content) as Uint8Array
    expect(encodeHex(padded)).toBe(`00ce${encodeHex(utf8(json as string))}${'00'.repeat(816)}`)

    const secret = new Uint8Array(32).fill(0xe1)
    const ephemeral = { secret, public: defaultEngine.createDhKey(secret).public }
    const remoteStatic = toDhPublic(bob.publicKey)
    const noise = createNoise({ pattern: 'X', role: 'initiator', prologue, staticKey: alice.dh, remoteStatic, ephemeral })
    expect(encodeHex(noise.writeMessage(concatBytes(alice.publicKey, padded)))).toBe(hexOf('box'))
    const opened = openSignal({ keyPair: bob, network: 'public', id, box: decodeHex(hexOf('box')), nowMs: 1_700_000_000_000 })
    expect(opened).toEqual({ from: alice.peerId, publicKey: alice.publicKey, content })
  })
})
