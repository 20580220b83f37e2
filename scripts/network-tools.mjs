// What the network laboratory needs: namespaces, packet filters and a STUN server, installed when that is possible without asking.
import { existsSync } from 'node:fs'
import { canInstall, installFromDebian } from './apt.mjs'

/** Each Debian package by a program of it. */
const packages = { '/usr/bin/turnserver': 'coturn', '/usr/sbin/ip': 'iproute2', '/usr/sbin/nft': 'nftables' }

/** Installs what is missing when root; whoever needs the programs says what is missing after that. */
export async function ensureNetworkTools() {
  const missing = Object.entries(packages).filter(([program]) => !existsSync(program))
  if (missing.length > 0 && canInstall()) await installFromDebian(missing.map(([, name]) => name))
}
