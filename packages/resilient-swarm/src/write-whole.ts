import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'

const OURS_ALONE = 0o600

/** The file is the old one or the new one, never a part of either, whenever the machine stops. Its owner alone may read it. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const fresh = `${path}.new`
  const file = openSync(fresh, 'w', OURS_ALONE)
  try {
    writeFileSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
}
