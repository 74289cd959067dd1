import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { restartSettings, settingsOf } from "../../src/config/settings.ts"
import { settingsTable } from "../../src/config/settingsTable.ts"
import { Local } from "../../src/domain/documents/Local.ts"
import { storeDriver } from "../../src/domain/documents/storeDriver.ts"
import { waitingForRestart } from "../../src/roles/restart.ts"

const docs = new URL("../../docs/configuration.md", import.meta.url)
const decode = Schema.decodeUnknownSync(Local)
const local = (document: object) => decode({ System: { ConfigUrls: {} }, ...document })

describe("settings", () => {
  it("are all in docs/configuration.md, as the schema has them (UPDATE_DOCS=1 writes them)", () => {
    const text = readFileSync(docs, "utf8")
    const written = text.replace(
      /<!-- settings -->[^]*<!-- \/settings -->/,
      () => `<!-- settings -->\n\n${settingsTable()}\n\n<!-- /settings -->`
    )
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(docs, written)
    assert.strictEqual(readFileSync(docs, "utf8"), written)
  })

  it("say what they are for, and their defaults are what decoding gives", () => {
    const encoded: any = Schema.encodeSync(Local)(local({}))
    for (const { default: value, description, path, variable } of settingsOf()) {
      assert.notStrictEqual(description, "", path.join("."))
      if (variable === undefined) continue
      const found = path.reduce((at: any, key) => at?.[key], encoded)
      // A part that is missing as a whole, as TLS, has defaults only once it is there.
      const parent = path.slice(0, -1).reduce((at: any, key) => at?.[key], encoded)
      if (parent !== undefined) assert.deepStrictEqual(found, value, path.join("."))
    }
  })

  it("that need a restart are those of which a node says so", () => {
    const before = local({})
    const changed = (at: any, [key, ...rest]: ReadonlyArray<string>): any =>
      key === undefined ? "another value" : { ...at, [key]: changed(at?.[key], rest) }
    for (const { path, restart, variable } of settingsOf()) {
      if (variable === undefined) continue
      const waiting = waitingForRestart(before, changed(before, path))
      assert.strictEqual(waiting.length > 0, restart, path.join("."))
    }
    assert.strictEqual(restartSettings().length, settingsOf().filter(({ restart }) => restart).length)
  })
})

describe("storeDriver", () => {
  it("is MySQL when a host is set, unless the settings say otherwise", () => {
    assert.strictEqual(storeDriver(local({})), "sqlite")
    assert.strictEqual(storeDriver(local({ Mysql: { Host: "db" } })), "mysql")
    for (const Driver of ["sqlite", "mysql", "memory"]) {
      assert.strictEqual(storeDriver(local({ Mysql: { Host: "db" }, GeoDNS: { Store: { Driver } } })), Driver)
      assert.strictEqual(storeDriver(local({ GeoDNS: { Store: { Driver } } })), Driver)
    }
  })

  it("has a pool of 4, and verifies TLS unless told not to", () => {
    assert.deepStrictEqual(local({ GeoDNS: { Store: { Tls: { CaFile: "ca.pem" } } } }).GeoDNS.Store, {
      File: "geodns.sqlite",
      PoolSize: 4,
      Tls: { CaFile: "ca.pem", Verify: true }
    })
  })
})
