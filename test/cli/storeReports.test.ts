import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { overrideRecords } from "../../src/status/overrideRecords.ts"
import { OutageStore, Store } from "../../src/store/index.ts"
import { override } from "../status/overridden.ts"
import { outage, proof } from "../store/samples.ts"
import { command } from "./inProcess.ts"
import { fillStores, nastyError, writeLocal } from "./storeSamples.ts"

/** A document whose SQLite file holds the samples. */
const filled = Effect.gen(function*() {
  const local = yield* writeLocal()
  yield* Effect.provide(fillStores, Store.layerSqlite({ filename: local.sqlite }))
  return local
})

const march = ["--from", "2026-03"]

describe("geodns outages", () => {
  it.live("shows what overlaps the period, of a member, a name, open, without blips", () =>
    Effect.gen(function*() {
      const { file } = yield* filled
      const ids = (...args: ReadonlyArray<string>) =>
        Effect.map(command(["outages", "--config", file, "--json", ...args]), ({ ok, stderr, stdout }) => {
          assert.isTrue(ok, stderr)
          return JSON.parse(stdout).outages.map((it: { readonly id: string }) => it.id)
        })
      assert.deepStrictEqual(yield* ids(...march), ["o-a", "o-b"])
      assert.deepStrictEqual(yield* ids("--from", "2026-02-28", "--to", "2026-02-28"), ["o-a"])
      assert.deepStrictEqual(yield* ids("--from", "2026-03-10", "--to", "2026-04"), ["o-b", "o-c"])
      assert.deepStrictEqual(yield* ids("--from", "2026-03-02", "--to", "2026-03-09"), [])
      assert.deepStrictEqual(yield* ids(...march, "--member", "Rhine Networks"), ["o-b"])
      assert.deepStrictEqual(yield* ids(...march, "--domain", "OTHER.example"), ["o-b"])
      assert.deepStrictEqual(yield* ids(...march, "--domain", "other.example", "--member", "Potomac Works"), [])
      assert.deepStrictEqual(yield* ids(...march, "--no-blips"), ["o-a"])
      assert.deepStrictEqual(yield* ids("--from", "2026-01", "--to", "2026-06", "--open"), ["o-c"])
    }).pipe(Effect.scoped))

  it.live("counts an override once, and not as an outage", () =>
    Effect.gen(function*() {
      const { file, sqlite } = yield* filled
      const start = Date.parse("2020-01-10T00:00:00Z")
      const rows = [
        ...overrideRecords(override({ at: start, until: start + 1000 }), start + 5000),
        ...overrideRecords(
          override({ id: "o2", kind: "maintenance", at: start + 2000, until: start + 3000 }),
          start + 5000
        )
      ]
      yield* Effect.gen(function*() {
        const store = yield* OutageStore
        for (const row of rows) yield* store.open(row)
      }).pipe(Effect.provide(Store.layerSqlite({ filename: sqlite })))
      const sum = (...args: ReadonlyArray<string>) =>
        Effect.map(command(["outages", "--config", file, ...args]), ({ stdout }) => stdout.split("\n").at(-1))
      assert.strictEqual(
        yield* sum("--from", "2020-01", "--to", "2020-01"),
        "No outage, 2 overrides from 2020-01-01 to 2020-01-31, UTC"
      )
      assert.match((yield* sum("--from", "2020-01", "--to", "2026-04"))!, /^3 outages, 2 overrides from /)
      // However short, they are no blips.
      assert.match((yield* sum("--from", "2020-01", "--to", "2026-04", "--no-blips"))!, /^2 outages, 2 overrides from /)
      assert.match((yield* sum("--from", "2020-01", "--to", "2026-02"))!, /^1 outage, 2 overrides from /)
    }).pipe(Effect.scoped))

  it.live("prints a table, JSON and CSV that other programs can read", () =>
    Effect.gen(function*() {
      const { file } = yield* filled
      const of = (...args: ReadonlyArray<string>) => command(["outages", "--config", file, ...args])
      const text = (yield* of("--from", "2026-03", "--to", "2026-04")).stdout
      assert.match(
        text,
        /^o-a +Potomac Works +wss wss:\/\/rpc\.example\/kusama +v4 +2026-02-28 23:00:00Z +2 h +over +connection/m
      )
      assert.match(
        text,
        /^o-b +Rhine Networks +ssl other\.example +v6 +2026-03-10 10:00:00Z +1 min +blip +=cmd.* \[2Jnext$/m
      )
      assert.match(text, /^o-c +Potomac Works +ping \(site\) +v4 +2026-04-02 00:00:00Z +.* open +connection refused$/m)
      assert.match(text, /3 outages from 2026-03-01 to 2026-04-30, UTC/)
      assert.notInclude(text, "\u001b[2J")

      assert.deepStrictEqual(JSON.parse((yield* of("--json", ...march, "--domain", "other.example")).stdout), {
        from: "2026-03-01",
        to: "2026-03-31",
        outages: [{
          id: "o-b",
          checkType: "domain",
          check: "ssl",
          member: "Rhine Networks",
          domain: "other.example",
          endpoint: "",
          ipv6: true,
          start: "2026-03-10T10:00:00.000Z",
          end: "2026-03-10T10:01:00.000Z",
          seconds: 60,
          blip: true,
          error: nastyError,
          votes: { yes: ["m1", "m2"], no: ["m3"] }
        }]
      })
      assert.strictEqual(
        (yield* of("--csv", "--from", "2026-03", "--to", "2026-04")).stdout,
        [
          "id,member,check_type,check,domain,endpoint,ip_version,start,end,seconds,blip,error",
          "o-a,Potomac Works,endpoint,wss,rpc.example,wss://rpc.example/kusama,4,2026-02-28T23:00:00.000Z,2026-03-01T01:00:00.500Z,7200.5,false,connection refused",
          `o-b,Rhine Networks,domain,ssl,other.example,,6,2026-03-10T10:00:00.000Z,2026-03-10T10:01:00.000Z,60,true,"'=cmd|'/c calc'!A1, ""quoted""\n\ufffd[2Jnext"`,
          "o-c,Potomac Works,site,ping,,,4,2026-04-02T00:00:00.000Z,,,false,connection refused"
        ].join("\n")
      )
    }).pipe(Effect.scoped))

  it.live("says which of them have certificates, and which were learnt late", () =>
    Effect.gen(function*() {
      const { file, sqlite } = yield* filled
      const start = Date.parse("2020-01-10T00:00:00Z")
      yield* OutageStore.use((store) =>
        store.open(
          outage("seq-1-x", { start, end: start + 1_000 }),
          { id: "seq-2-x", votes: {}, proof: proof(2) },
          proof(1, { late: true })
        )
      ).pipe(Effect.provide(Store.layerSqlite({ filename: sqlite })))
      const of = (...args: ReadonlyArray<string>) =>
        command(["outages", "--config", file, "--from", "2020-01", "--to", "2026-04", ...args])
      const { stdout } = yield* of()
      assert.match(stdout, / over, certified, late /)
      assert.lengthOf(stdout.match(/certified/g)!, 1)
      const all = JSON.parse((yield* of("--json")).stdout).outages
      assert.deepStrictEqual(all.map(({ proof }: any) => proof), [
        { seq: 1, late: true, certified: true },
        undefined,
        undefined,
        undefined
      ])
    }).pipe(Effect.scoped))

  it.live("says so when there is none", () =>
    Effect.gen(function*() {
      const { file } = yield* filled
      const of = (...args: ReadonlyArray<string>) =>
        command(["outages", "--config", file, "--from", "2020-01", "--to", "2020-02", ...args])
      const none = yield* of()
      assert.isTrue(none.ok)
      assert.strictEqual(none.stdout, "No outage from 2020-01-01 to 2020-02-29, UTC")
      assert.deepStrictEqual(JSON.parse((yield* of("--json")).stdout).outages, [])
      assert.strictEqual((yield* of("--csv")).stdout.split("\n").length, 1)
    }).pipe(Effect.scoped))
})

describe("geodns usage", () => {
  it.live("adds up by what is asked for, of a period, a member, a name, a country, a network", () =>
    Effect.gen(function*() {
      const { file } = yield* filled
      const of = (...args: ReadonlyArray<string>) =>
        Effect.map(command(["usage", "--config", file, "--json", ...args]), ({ ok, stderr, stdout }) => {
          assert.isTrue(ok, stderr)
          const { lines, total } = JSON.parse(stdout)
          return [total, ...lines.map((line: object) => Object.values(line).join(" "))]
        })
      assert.deepStrictEqual(yield* of(...march), [142, "Potomac Works 112", "Rhine Networks 30"])
      assert.deepStrictEqual(yield* of("--from", "2026-03-02", "--to", "2026-03-02"), [100, "Potomac Works 100"])
      assert.deepStrictEqual(yield* of(...march, "--by", "day,domain"), [
        142,
        "2026-03-01 other.example 30",
        "2026-03-01 rpc.example 12",
        "2026-03-02 rpc.example 100"
      ])
      assert.deepStrictEqual(yield* of(...march, "--member", "Rhine Networks"), [30, "Rhine Networks 30"])
      assert.deepStrictEqual(yield* of(...march, "--domain", "Other.Example"), [30, "Rhine Networks 30"])
      for (const country of ["BR", "br"]) {
        assert.deepStrictEqual(yield* of(...march, "--country", country, "--by", "country"), [100, "BR Brazil 100"])
      }
      for (const asn of ["AS64500", "as64500", "64500"]) {
        assert.deepStrictEqual(yield* of(...march, "--asn", asn, "--by", "asn"), [12, "AS64500 Example Net 12"])
      }
      assert.deepStrictEqual(yield* of(...march, "--by", "family"), [142, "IPv4 112", "IPv6 30"])
      assert.deepStrictEqual(yield* of(...march, "--country", "FR"), [0])
    }).pipe(Effect.scoped))

  it.live("prints a table, and CSV that other programs can read", () =>
    Effect.gen(function*() {
      const { file } = yield* filled
      const of = (...args: ReadonlyArray<string>) => command(["usage", "--config", file, ...march, ...args])
      const table = (yield* of("--by", "asn,country")).stdout
      assert.match(table, /^AS64501 Net, "B" +BR Brazil +100$/m)
      assert.match(table, /^\(unknown\) +DE Germany +30$/m)
      assert.include(table, "142 answers from 2026-03-01 to 2026-03-31, UTC")
      assert.strictEqual(
        (yield* of("--by", "asn,member", "--csv")).stdout,
        [
          "asn,member,hits",
          `"AS64501 Net, ""B""",Potomac Works,100`,
          "(unknown),Rhine Networks,30",
          "AS64500 Example Net,Potomac Works,12"
        ].join("\n")
      )
      const none = yield* command(["usage", "--config", file, "--from", "2020-01", "--to", "2020-02"])
      assert.isTrue(none.ok)
      assert.include(none.stdout, "0 answers from 2020-01-01 to 2020-02-29, UTC")
      assert.strictEqual(
        (yield* command(["usage", "--config", file, "--from", "2020-01", "--to", "2020-02", "--csv"])).stdout,
        "member,hits"
      )
    }).pipe(Effect.scoped))
})

describe("geodns outages and usage", () => {
  it.live("refuse what is no report, and say why", () =>
    Effect.gen(function*() {
      const { file } = yield* filled
      const refused: ReadonlyArray<readonly [args: ReadonlyArray<string>, why: string]> = [
        [["--from", "2026-02-30"], `"2026-02-30". Expected: a day or a month`],
        [["--to", "yesterday"], `"yesterday". Expected: a day or a month`],
        [["--from", "2026-05", "--to", "2026-04"], "--from 2026-05-01 is after --to 2026-04-30"],
        [["--from", "2999-01-01"], "--from 2999-01-01 is after today"],
        [["--json", "--csv"], "either --json or --csv"]
      ]
      for (const name of ["outages", "usage"]) {
        for (const [args, why] of refused) {
          const { ok, stderr, stdout } = yield* command([name, "--config", file, ...args])
          assert.isFalse(ok, args.join(" "))
          assert.include(stderr, why)
          assert.strictEqual(stdout, "")
        }
        assert.include((yield* command([name])).stderr, "--config")
      }
      assert.include((yield* command(["usage", "--config", file, "--by", "planet"])).stderr, "some of day,")
      assert.include(
        (yield* command(["usage", "--config", file, "--asn", "Example Net"])).stderr,
        "number of a network"
      )
    }).pipe(Effect.scoped))

  it.live("say why the store cannot be read, and change nothing in it", () =>
    Effect.gen(function*() {
      const none = yield* writeLocal()
      const broken = yield* writeLocal()
      writeFileSync(broken.sqlite, "this is no database, and longer than the header of one ".repeat(20))
      const memory = yield* writeLocal({ GeoDNS: { Store: { Driver: "memory" } } })
      const away = yield* writeLocal({
        Mysql: { Host: "127.0.0.1", Port: "1", User: "geodns", Pass: "planted", DB: "geodns" }
      })
      const older = yield* filled
      const database = new DatabaseSync(older.sqlite)
      yield* Effect.addFinalizer(() => Effect.sync(() => database.close()))
      database.exec("DROP TABLE alert_threads; DELETE FROM schema_migrations WHERE name = 'alerts'")
      const tables = () => database.prepare("SELECT * FROM sqlite_schema ORDER BY name").all()
      const before = tables()
      for (const args of [["outages"], ["usage"], ["outages", "--json"], ["store", "prune", "--before", "2026-01"]]) {
        const of = (file: string) =>
          Effect.map(command([...args, "--config", file]), ({ ok, stderr, stdout }) => {
            assert.isFalse(ok)
            assert.strictEqual(stdout, "")
            assert.notInclude(stderr, "planted")
            return stderr
          })
        assert.match(yield* of(none.file), /GeoDNS\.Store\.File: .*geodns\.sqlite cannot be used: no collator/)
        assert.include(yield* of(broken.file), "it is no intact SQLite database")
        assert.include(yield* of(memory.file), "in the memory of the node")
        assert.match(yield* of(away.file), /geodns at 127\.0\.0\.1:1 .*check that the server runs/)
        assert.include(yield* of(older.file), "geodns store migrate --dry-run says what is to be done")
        assert.include(yield* of("/nowhere/collator.json"), "/nowhere/collator.json")
      }
      assert.deepStrictEqual(tables(), before)
    }).pipe(Effect.scoped))
})
