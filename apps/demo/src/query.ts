/** The signal servers named in the page's address, `?signals=ws://one,ws://two`; undefined leaves it to the swarm's default. */
export function readSignals(search: string): readonly string[] | undefined {
  const named = new URLSearchParams(search).getAll('signals').flatMap((list) => list.split(','))
  const urls = named.map((url) => url.trim()).filter((url) => url !== '')
  return urls.length === 0 ? undefined : urls
}

/** Whether the address asks this tab to relay for others: `?relay=1`, and nothing else does. */
export function readRelay(search: string): boolean {
  return new URLSearchParams(search).get('relay') === '1'
}

/** The same address with the choice changed; what else it says stays. */
export function withRelay(search: string, serves: boolean): string {
  const query = new URLSearchParams(search)
  if (serves) query.set('relay', '1')
  else query.delete('relay')
  return query.size === 0 ? '' : `?${query}`
}
