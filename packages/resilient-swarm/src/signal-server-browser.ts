/** A page cannot listen. */
export async function listen(_options: object): Promise<never> {
  throw new TypeError('exchange is for Node: a page cannot listen for others')
}
