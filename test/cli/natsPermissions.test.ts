import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { command } from "./inProcess.ts"

const key = `U${"A".repeat(55)}`
const seed = `SU${"B".repeat(56)}`

const done = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const { ok, stderr, stdout } = yield* command(["nats-permissions", ...args])
  assert.isTrue(ok, stderr)
  return stdout
})

const users = (stdout: string) => JSON.parse(stdout).users as ReadonlyArray<Record<string, any>>

const refused = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const { code, stderr, stdout } = yield* command(["nats-permissions", ...args])
  assert.strictEqual(code, args[0] === "--roster" ? 1 : 2, stdout)
  return `${stdout}${stderr}`
})

describe("geodns nats-permissions", () => {
  it.live("prints a user for each role, without passwords, and says what a broker cannot enforce", () =>
    Effect.gen(function*() {
      const text = yield* done()
      for (const role of ["MONITOR", "DNS", "COLLATOR", "SHADOW"]) {
        assert.include(text, `password: $NATS_${role}_PASSWORD`)
      }
      assert.deepStrictEqual(text.match(/password: [^$]/g), null)
      assert.match(text, /# What it does not: that a monitor votes as itself\./)
      assert.notMatch(text.replaceAll(/^#.*$/gm, ""), /allow_responses/)
    }))

  it.live("gives each node a user, an inbox and a variable of its own", () =>
    Effect.gen(function*() {
      const all = users(
        yield* done(
          "--json",
          "--node",
          "m.1:monitor",
          "--node",
          "m-1:monitor",
          "--node",
          "a:b:dns",
          "--may-override",
          "a:b"
        )
      )
      assert.deepStrictEqual(all.map(({ passwordVariable, role, user }) => [user, role, passwordVariable]), [
        ["m.1", "monitor", "NATS_M_1_PASSWORD"],
        ["m-1", "monitor", "NATS_M_1_2_PASSWORD"],
        ["a:b", "dns", "NATS_A_B_PASSWORD"]
      ])
      assert.deepStrictEqual(all.map(({ permissions }) => permissions.subscribe.at(-1)), [
        "_INBOX.m.1.>",
        "_INBOX.m-1.>",
        "_INBOX.a:b.>"
      ])
      assert.deepStrictEqual(
        all.map(({ permissions }) => permissions.publish.includes("consensus.vote")),
        [true, true, false]
      )
      assert.include(all[2]!["permissions"].publish, "geodns.v1.override")
    }))

  it.live("takes the nodes of a roster, and public nkeys", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-permissions-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
      const roster = join(folder, "roster.json")
      yield* command(["roster", "new", roster, "--cluster", "test"])
      for (const [id, role] of [["m1", "monitor"], ["d1", "dns"], ["c1", "collator"]] as const) {
        const file = join(folder, `${id}.key`)
        yield* command(["keys", "new", file])
        const { publicKey } = JSON.parse((yield* command(["keys", "show", file, "--json"])).stdout)
        yield* command(["roster", "add", roster, id, publicKey, "--role", role])
      }
      const args = ["--roster", roster, "--node", "s1:shadow", "--nkey", `c1:${key}`]
      const all = users(yield* done("--json", ...args))
      assert.deepStrictEqual(all.map(({ nkey, role, user }) => [user, role, nkey]), [
        ["m1", "monitor", undefined],
        ["d1", "dns", undefined],
        ["c1", "collator", key],
        ["s1", "shadow", undefined]
      ])
      const text = yield* done(...args)
      assert.include(text, `nkey: ${key}`)
      assert.notInclude(text, "NATS_C1_PASSWORD")
    }).pipe(Effect.scoped))

  it.live("says what is wrong with what it is told, and never repeats a secret", () =>
    Effect.gen(function*() {
      assert.include(yield* refused("--node", "m1"), "what is wanted is ID:ROLE")
      assert.include(yield* refused("--node", "m1:king"), "monitor, dns, collator, shadow")
      assert.include(yield* refused("--node", "m1:monitor", "--node", "m1:dns"), `"m1" is there twice`)
      assert.include(
        yield* refused("--node", "m1:monitor", "--nkey", `m2:${key}`),
        `"m2" is none of the users, which are m1`
      )
      assert.include(yield* refused("--node", "s1:shadow", "--may-override", "s1"), "is a shadow")
      assert.include(
        yield* refused("--roster", "/nowhere/roster.json"),
        "/nowhere/roster.json: there is no such file. --roster names that of the cluster"
      )
      const leaked = yield* refused("--node", "m1:monitor", "--nkey", `m1:${seed}`)
      assert.include(leaked, "that is a seed, which is secret")
      assert.notInclude(leaked, seed)
      assert.notInclude(yield* refused("--node", "m1:monitor", "--nkey", seed), seed)
      const injected = yield* done("--node", `x" } evil: { "\\:dns`)
      assert.include(injected, JSON.stringify(`x" } evil: { "\\`))
      assert.include(yield* refused("--node", "x\n}:dns"), "what is wanted is ID:ROLE")
    }))
})
