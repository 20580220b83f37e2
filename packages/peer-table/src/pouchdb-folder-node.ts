import { mkdirSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import leveldbAdapter from 'pouchdb-adapter-leveldb'
import { DATABASES_SALVAGED_MAX } from './limits.ts'
import type { PouchModule, Salvage, Shelf } from './pouchdb.ts'
import { ownPouchDB } from './pouchdb-own.ts'
import { readApart } from './read-apart.ts'

const PouchDB = ownPouchDB(leveldbAdapter)

/** PouchDB over leveldb in this folder, which is made when it is missing and must hold nothing else. */
export function openFolder(folder: string): PouchModule {
  return { PouchDB, adapter: 'leveldb', shelf: openShelf(resolve(folder)) }
}

function openShelf(folder: string): Shelf {
  let newest = Math.max(0, ...numbersIn(folder))
  const pathOf = (number: number): string => join(folder, String(number))
  return {
    next() {
      newest += 1
      try {
        mkdirSync(folder, { recursive: true })
      } catch {} // opening the database there fails too, and says why
      return pathOf(newest)
    },

    async salvage({ documentsMax }): Promise<Salvage> {
      const documents: unknown[] = []
      const damage: unknown[] = []
      let isLocked = false
      const paths = numbersIn(folder)
        .filter((number) => number !== newest)
        .map(pathOf)
      for (const path of paths.slice(0, DATABASES_SALVAGED_MAX)) {
        const read = await readApart({ path, documentsMax })
        documents.push(...read.documents)
        damage.push(...read.damage)
        isLocked ||= read.isLocked
      }
      return { paths: isLocked ? [] : paths, documents, damage, isLocked }
    },

    async erase(paths) {
      for (const path of paths) await rm(path, { recursive: true, force: true }).catch(() => {}) // the next life tries again
    },
  }
}

/** Newest first. */
function numbersIn(folder: string): readonly number[] {
  try {
    const numbers = readdirSync(folder).filter((name) => /^[1-9]\d{0,14}$/.test(name))
    return numbers.map(Number).sort((one, other) => other - one)
  } catch {
    return [] // not there yet
  }
}
