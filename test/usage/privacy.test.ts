import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { demoNetworks } from "../../src/demo/places.ts"
import { ask } from "../../src/dns/DnsClient.ts"
import { writeDatabase } from "../../src/geo/GeoEntry.ts"
import { run, start } from "../cli/geodns.ts"
import { operatorFolder, ownAddress, quiet } from "../cli/operator.ts"

/** Clients of networks that GeoIP knows, and of one that it does not, as their resolvers name them. */
const clients = ["203.0.113.77", "198.51.100.199", "100.64.33.44", "2001:db8:81::abcd:1234"]

/** What nobody may find of a client: the address, as text and as bytes. */
const traces = (address: string): ReadonlyArray<Buffer> => {
  const bytes = address.includes(":")
    ? Buffer.from("20010db8008100000000" + "0000abcd1234", "hex")
    : Buffer.from(address.split(".").map(Number))
  return [Buffer.from(address), Buffer.from(bytes.toString("hex")), ...(address.includes(":") ? [bytes] : [])]
}

describe("what a node stores of those who ask", () => {
  it.live(
    "is where they are and whose network it is, and never an address: in no file, database, page or log",
    () =>
      Effect.gen(function*() {
        const address = ownAddress()
        const folder = yield* operatorFolder((local, folder) => {
          quiet(local, address)
          local.System.LogLevel = "Debug"
          const databases = join(folder, "work/maxmind")
          local.Maxmind = { ...local.Maxmind, MaxmindDBPath: databases }
          mkdirSync(databases, { recursive: true })
          for (const kind of ["City", "Country", "ASN"] as const) {
            writeFileSync(
              join(databases, `Demo-${kind}.mmdb`),
              Result.getOrThrow(writeDatabase(kind, demoNetworks, Date.UTC(2026, 0, 1)))
            )
          }
        })
        const config = join(folder, "local.json")
        const geodns = yield* start(["standalone", "--config", config])
        const [, server, port] = yield* geodns.says(/DNS +([\d.]+):(\d+), \d+ names steered\n.*\n.*http.*\n/)
        const dns = { server: server!, port: Number(port) }
        for (const client of clients) {
          const subnet = `${client}/${client.includes(":") ? 128 : 32}`
          for (const name of ["polkadot.dotters.example", "www.dotters.example", "no-such-name.dotters.example"]) {
            yield* ask({ ...dns, name, type: "A", subnet, timeout: "10 seconds" })
          }
        }
        const pages = yield* Effect.forEach(
          ["metrics", "health", "api/status", ""],
          (path) =>
            Effect.promise(async () => `${path}: ${await (await fetch(`http://${address}:6100/${path}`)).text()}`)
        )
        yield* geodns.kill("SIGTERM")
        const { stderr, stdout } = yield* geodns.ended
        const report = yield* run("usage", "--config", config, "--json")

        // Their countries and networks are there, so they were counted.
        const files = readdirSync(folder, { withFileTypes: true, recursive: true })
          .filter((entry) => entry.isFile() && !entry.name.endsWith(".mmdb"))
          .map((entry) => join(entry.parentPath, entry.name))
        const filename = files.find((file) => file.endsWith(".sqlite"))!
        const database = new DatabaseSync(filename, { readOnly: true })
        const rows = database.prepare(
          "SELECT country_code, network_name, SUM(hits) AS hits FROM requests GROUP BY 1, 2"
        ).all()
        assert.sameMembers(rows.map((row) => `${row["country_code"]} ${row["network_name"]}`), [
          "JP Example Kansai",
          "DE Example Berlin",
          "?? "
        ])
        // No table has a column that could hold one.
        const columns = database.prepare(
          `SELECT DISTINCT c.name FROM sqlite_schema AS s, pragma_table_info(s.name) AS c WHERE s.type = 'table'`
        ).all().map((row) => String(row["name"]))
        database.close()
        assert.isAbove(columns.length, 20)
        assert.deepStrictEqual(columns.filter((name) => /address|client|subnet|remote|(^|_)ip($|_)/i.test(name)), [])

        const looked: ReadonlyArray<readonly [string, Buffer]> = [
          ...files.map((file) => [file, readFileSync(file)] as const),
          ...Object.entries({ stderr, stdout, report: report.stdout, pages: pages.join("\n") })
            .map(([name, text]) => [name, Buffer.from(text)] as const)
        ]
        assert.isAbove(looked.filter(([name]) => /usage-.*\.(journal|stored)$/.test(name)).length, 0)
        for (const [where, content] of looked) {
          for (const client of clients) {
            for (const trace of traces(client)) assert.isFalse(content.includes(trace), `${client} stands in ${where}`)
          }
        }
      }),
    120_000
  )
})
