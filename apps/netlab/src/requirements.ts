import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const PROGRAMS: Readonly<Record<string, string>> = { ip: 'iproute2', tc: 'iproute2', nft: 'nftables', turnserver: 'coturn' }
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin'] // not in everybody's PATH

/** Why no scenario can run here, in one line; undefined when it can. */
export function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a matter of Linux'
  if (process.getuid?.() !== 0) return 'it needs root to make network namespaces'
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS]
  const missing = Object.keys(PROGRAMS).filter((program) => !folders.some((folder) => existsSync(join(folder, program))))
  if (missing.length === 0) return undefined
  const debianPackages = [...new Set(missing.map((program) => PROGRAMS[program]))]
  return `there is no ${missing.join(', ')}: apt-get install ${debianPackages.join(' ')}`
}
