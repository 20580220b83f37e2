import { getEventListeners } from 'node:events'

/** A signal, and how many listeners it has and has had at most: more than a few mean that somebody forgets to take theirs back. */
export function createCountedSignal() {
  const controller = new AbortController()
  const { signal } = controller
  const seen = { most: 0 }
  const listen = signal.addEventListener.bind(signal)
  signal.addEventListener = (...words: Parameters<typeof listen>) => {
    listen(...words)
    seen.most = Math.max(seen.most, getEventListeners(signal, 'abort').length)
  }
  return { controller, signal, most: () => seen.most, now: () => getEventListeners(signal, 'abort').length }
}
