import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { newKeyFile } from "../../src/consensus/sealed/keyFile.ts"
import { formatRosterFile } from "../../src/consensus/sealed/rosterFile.ts"
import { Local } from "../../src/domain/documents/Local.ts"
import { contradictions, type RoleName, sealProblems } from "../../src/roles/sealProblems.ts"

const decode = Schema.decodeUnknownSync(Local)
const local = (Consensus: object, id = "m1") =>
  decode({ System: { ConfigUrls: {} }, Nats: { NodeID: id }, GeoDNS: { Consensus } })

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-seal-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A folder with a roster of m1 and m2, their keys, and another key. */
const world = Effect.gen(function*() {
  const path = yield* folder
  const [m1, m2, operator] = yield* Effect.forEach(
    ["m1", "m2", "operator"],
    (id) => newKeyFile(join(path, `${id}.key`))
  )
  writeFileSync(
    join(path, "roster.json"),
    formatRosterFile({
      cluster: "test",
      epoch: 3,
      minEpoch: 1,
      members: [m1!, m2!].map(({ publicKey }, i) => ({
        id: `m${i + 1}`,
        key: publicKey,
        role: "IBPMonitor",
        ipv6: true
      }))
    })
  )
  const check = (settings: object, role?: RoleName, id?: string) =>
    Effect.map(
      sealProblems(local({ Roster: "roster.json", ...settings }, id), (file) => join(path, file), role),
      (problems) =>
        problems.map(({ hint, path, severity }) => `${severity} ${path.replace("GeoDNS.Consensus.", "")}: ${hint}`)
    )
  return { path, check, operator: operator! }
})

describe("settings of sealed consensus", () => {
  it("contradict each other where there is no roster or no key, or a node decides alone", () => {
    const found = (settings: object, role?: RoleName) =>
      contradictions(local(settings), role).map(({ path, severity }) => `${severity} ${path}`)
    const roster = "error GeoDNS.Consensus.Roster"
    assert.deepStrictEqual(found({}), [])
    assert.deepStrictEqual(found({ Mode: "require" }), [roster])
    assert.deepStrictEqual(found({ Mode: "prefer" }, "dns"), [roster])
    assert.deepStrictEqual(found({ Electorate: "roster" }), [roster])
    assert.deepStrictEqual(found({ KeyFile: "k" }), ["warning GeoDNS.Consensus.KeyFile"])
    const required = { Mode: "require", Roster: "r" }
    assert.deepStrictEqual(found(required, "monitor"), ["error GeoDNS.Consensus.KeyFile"])
    assert.deepStrictEqual(found({ ...required, Shadow: true }, "monitor"), [])
    assert.deepStrictEqual(found(required, "dns"), [])
    assert.deepStrictEqual(found({ ...required, KeyFile: "k" }, "monitor"), [])
    assert.deepStrictEqual(found({ ...required, KeyFile: "k" }, "standalone"), ["error GeoDNS.Consensus.Mode"])
    assert.deepStrictEqual(found({ Electorate: "roster", Roster: "r" }, "standalone"), [
      "error GeoDNS.Consensus.Electorate"
    ])
    assert.deepStrictEqual(found({ ...required, OperatorKey: "x" }), ["error GeoDNS.Consensus.OperatorKey"])
  })

  it.live("fit a node that is in the roster with its key, and say what does not", () =>
    Effect.gen(function*() {
      const { check, operator } = yield* world
      const monitor = { Mode: "require", KeyFile: "m1.key" }
      assert.deepStrictEqual(yield* check(monitor, "monitor"), [])
      assert.deepStrictEqual(yield* check({ Mode: "require" }, "dns", "dns-1"), [])
      assert.deepStrictEqual(yield* check(monitor, "monitor", "m9"), [
        'error Roster: m9 is not in the roster of epoch 3 ("geodns roster add" puts it there)'
      ])
      assert.match(
        (yield* check({ ...monitor, KeyFile: "m2.key" }, "monitor")).join(),
        /^error Roster: .*another key for m1/
      )
      assert.match((yield* check(monitor, "dns")).join(), /has m1 as IBPMonitor, and it runs as IBPDns/)
      assert.match((yield* check({ Mode: "prefer" }, "monitor")).join(), /^error KeyFile: .*this node has none/)
      // A stranger in `prefer` is as a v2 peer.
      assert.deepStrictEqual(yield* check({ Mode: "prefer" }, "monitor", "m9"), [])
      assert.match(
        (yield* check({ ...monitor, KeyFile: "none.key" }, "monitor")).join(),
        /error KeyFile: .*no such file/
      )
      assert.match(
        (yield* check({ ...monitor, Roster: "none.json" }, "monitor")).join(),
        /error Roster: .*no such file/
      )
      assert.match(
        (yield* check({ ...monitor, OperatorKey: operator.publicKey }, "monitor")).join(),
        /epoch 3 is not signed/
      )
      assert.match((yield* check({ ...monitor, Roster: { cluster: "x" } }, "monitor")).join(), /error Roster/)
    }).pipe(Effect.scoped))
})
