/** The signal servers named in the page's address, `?signals=ws://one,ws://two`; undefined leaves it to the swarm's default. */
export function readSignals(search: string): readonly string[] | undefined {
  const named = new URLSearchParams(search).getAll('signals').flatMap((list) => list.split(','))
  const urls = named.map((url) => url.trim()).filter((url) => url !== '')
  return urls.length === 0 ? undefined : urls
}
