import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { lines, run, start, temporaryFolder } from "./geodns.ts"
import { ownAddress } from "./operator.ts"

describe.concurrent("geodns config init", () => {
  it.live("writes a set without a fault, for this user alone, and overwrites nothing", () =>
    Effect.gen(function*() {
      const folder = join(yield* temporaryFolder, "new", "geodns")
      const { code, stderr, stdout } = yield* run("config", "init", folder)
      assert.strictEqual(code, 0, stderr)
      const names = readdirSync(folder)
      assert.strictEqual(names.length, 7)
      for (const name of names) assert.include(stdout, `wrote ${join(folder, name)}`)
      assert.strictEqual(statSync(join(folder, "local.json")).mode & 0o777, 0o600)
      const key = JSON.parse(readFileSync(join(folder, "local.json"), "utf8")).MgmtApi.AuthKeys.operator as string
      assert.match(key, /^[\w-]{32}$/)
      assert.notInclude(stdout, key)
      const check = yield* run("config", "check", join(folder, "local.json"))
      assert.strictEqual(check.code, 0)
      assert.deepStrictEqual(lines(check.stdout), [
        "plans 2 targets, steers 1 name, serves geodns.example",
        `${join(folder, "local.json")} can be used: 0 errors, 0 warnings`
      ])
      const before = names.map((name) => readFileSync(join(folder, name), "utf8"))
      const again = yield* run("config", "init", folder)
      assert.strictEqual(again.code, 1)
      assert.include(again.stderr, "nothing was written")
      assert.deepStrictEqual(names.map((name) => readFileSync(join(folder, name), "utf8")), before)
    }).pipe(Effect.scoped), 120_000)

  it.live(
    "what it writes runs at once: the node finds itself up, answers with itself, and leaves out what is taken out",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        assert.strictEqual((yield* run("config", "init", folder)).code, 0)
        // The same documents on an address of this test's own, so that others may run beside it.
        const [address, other] = [ownAddress(), ownAddress()]
        for (const name of readdirSync(folder)) {
          const path = join(folder, name)
          writeFileSync(
            path,
            readFileSync(path, "utf8").replaceAll("127.0.0.1", address).replaceAll("127.0.0.2", other)
          )
        }
        yield* start(["standalone", "--config", join(folder, "local.json")])
        const deadline = performance.now() + 40_000
        let up = false
        while (!up && performance.now() < deadline) {
          const results = yield* Effect.promise(() =>
            fetch(`http://${address}:6100/results`).then((answer) => answer.ok ? answer.text() : "", () => "")
          )
          up = /"Here"/.test(results) && /"There"/.test(results)
          if (!up) yield* Effect.sleep("200 millis")
        }
        assert.isTrue(up, "the node has decided about itself")
        const answer = yield* run("dig", "rpc.geodns.example", "--server", `${address}:5300`)
        assert.strictEqual(answer.code, 0, answer.stderr)
        const given = [answer.stdout.includes(address), answer.stdout.includes(other)]
        assert.include(given, true, answer.stdout)

        const config = ["--config", join(folder, "local.json")]
        const health = yield* run("status", "--json", ...config)
        assert.deepInclude(JSON.parse(health.stdout).targets, { up: 2 }, health.stdout)
        for (const [name, out, left] of [["Here", address, other], ["There", other, address]] as const) {
          const taken = yield* run("override", "add", name, "--reason", "trying it", ...config)
          assert.include(taken.stdout, `${name} is out of service from now on`, taken.stderr)
          assert.notInclude(taken.stdout, "no other member")
          const without = yield* run("dig", "rpc.geodns.example", "--server", `${address}:5300`)
          assert.include(without.stdout, left)
          assert.notMatch(without.stdout, new RegExp(`\\sA\\s+${out.replaceAll(".", "\\.")}$`, "m"))
          assert.strictEqual((yield* run("override", "end", name, ...config)).code, 0)
        }
      }).pipe(Effect.scoped),
    120_000
  )
})

describe.concurrent("geodns config schema", () => {
  it.live("prints one schema, or writes all, again as often as wanted", () =>
    Effect.gen(function*() {
      const local = JSON.parse((yield* run("config", "schema")).stdout)
      assert.strictEqual(local.title, "The local document of a node")
      const members = JSON.parse((yield* run("config", "schema", "MembersConfig")).stdout)
      assert.strictEqual(members.type, "object")
      assert.notStrictEqual((yield* run("config", "schema", "Members")).code, 0)
      const out = join(yield* temporaryFolder, "schemas")
      for (let i = 0; i < 2; i++) assert.strictEqual((yield* run("config", "schema", "--out", out)).code, 0)
      assert.strictEqual(readdirSync(out).length, 7)
      assert.deepStrictEqual(JSON.parse(readFileSync(join(out, "local.schema.json"), "utf8")), local)
    }).pipe(Effect.scoped), 120_000)
})
