import { ORIGIN_CHARS_MAX } from './limits.ts'

/**
 * The one spelling of a signal server's URL, as both sides sign and check it. A TypeError for what is none: only `ws:`
 * and `wss:`, no user, no fragment.
 */
export function normalizeOrigin(url: string): string {
  const origin = parseOrigin(url)
  if (origin === undefined) {
    throw new TypeError(
      `'${String(url)}' is not the URL of a signal server; it looks like wss://signals.example or ws://127.0.0.1:6688`,
    )
  }
  return origin
}

/** The same for a URL from outside: undefined for what is none. */
export function parseOrigin(url: unknown): string | undefined {
  if (typeof url !== 'string' || url.length > ORIGIN_CHARS_MAX) return undefined
  const parsed = parseUrl(url)
  if (!parsed) return undefined
  const { protocol, username, password, hash, href } = parsed
  if (protocol !== 'ws:' && protocol !== 'wss:') return undefined
  if (username !== '' || password !== '' || hash !== '' || href.length > ORIGIN_CHARS_MAX) return undefined
  return href
}

/** Not by `URL.canParse`: once compiled, Node 20's says no to every name with a letter beyond ASCII. */
function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
