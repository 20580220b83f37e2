/** CPU time of this process so far: unlike a wall clock it does not count what a busy machine gives to others. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
