import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { createSocket } from "node:dgram"
import { mkdirSync, readdirSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { failoverSteps } from "../../src/demo/failover.ts"
import { eventually, lines, run, start, temporaryFolder } from "./geodns.ts"

const anyPorts = ["--dns-port", "0", "--http-port", "0"]

/** Starts a demo that has its temporary files in a folder of the test, and can be looked at there. */
const startDemo = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const folder = join(yield* temporaryFolder, "tmp")
  mkdirSync(folder)
  const geodns = yield* start(["demo", ...args], { env: { TMPDIR: folder } })
  return { ...geodns, leftovers: Effect.sync(() => readdirSync(folder)) }
})

/** A port that is taken as long as the scope. */
const takenPort = (transport: "udp" | "tcp") =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
      if (transport === "udp") {
        const socket = createSocket("udp4")
        socket.bind(0, "127.0.0.1", () =>
          resume(Effect.succeed({
            port: socket.address().port,
            close: () => socket.close()
          })))
      } else {
        const server = createServer()
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          resume(Effect.succeed({ port, close: () => void server.close() }))
        })
      }
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ port }) => port))

describe.concurrent("geodns demo", () => {
  it.live("plays the story once, one line of JSON per step", () =>
    Effect.gen(function*() {
      const demo = yield* startDemo("--scenario", "failover", "--exit", "--json", ...anyPorts)
      const { code, stderr, stdout } = yield* demo.ended
      assert.strictEqual(code, 0, stderr)
      const printed = lines(stdout).map((line) => JSON.parse(line))
      const result = printed.pop()
      assert.deepStrictEqual(printed.map(({ step }) => step), [...failoverSteps])
      for (const [i, { at, elapsedMs, what }] of printed.entries()) {
        assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        assert.isAtLeast(elapsedMs, printed[i - 1]?.elapsedMs ?? 0)
        assert.notStrictEqual(what, "")
      }
      assert.deepInclude(result, { result: "ok", steps: failoverSteps.length })
      assert.isAtLeast(result.elapsedMs, printed.at(-1).elapsedMs)
      assert.deepStrictEqual(yield* demo.leftovers, [])
    }).pipe(Effect.scoped), 120_000)

  it.live("says what to try, and ends cleanly by Ctrl-C in the middle of an outage", () =>
    Effect.gen(function*() {
      const demo = yield* startDemo(...anyPorts)
      const [, digArgs] = yield* demo.says(/npx geodns (dig .+)\n/)
      const [, explainArgs] = yield* demo.says(/npx geodns (explain .+)\n/)
      const [, files] = yield* demo.says(/files +(\S+)/)
      assert.lengthOf(yield* demo.leftovers, 1)
      yield* demo.says(/Fuji Hosting is offline, decided by monitor-\w+ and monitor-\w+/)
      const [dig, explain] = yield* Effect.all([
        run(...digArgs!.trim().split(/\s+/)),
        run(...explainArgs!.trim().split(/\s+/))
      ], { concurrency: 2 })
      assert.strictEqual(dig.code, 0, dig.stderr)
      assert.match(dig.stdout, /^rpc\.demo\.example\. 5 A 127\.0\.1\.\d$/m)
      assert.strictEqual(explain.code, 0, explain.stderr)
      assert.include(explain.stdout, "Fuji Hosting")
      yield* demo.kill("SIGINT")
      const { code, stderr } = yield* demo.ended
      assert.strictEqual(code, 0, stderr)
      assert.deepStrictEqual(yield* demo.leftovers, [], `${files} is removed`)
    }).pipe(Effect.scoped), 120_000)

  it.live("has no success when Ctrl-C comes before the end of the story", () =>
    Effect.gen(function*() {
      const starting = yield* startDemo("--exit", "--json", ...anyPorts)
      yield* eventually(
        "the files of the demo",
        Effect.map(starting.leftovers, (names) => names.length > 0 ? Option.some(names) : Option.none())
      )
      yield* starting.kill("SIGINT")
      assert.strictEqual((yield* starting.ended).code, 130)
      assert.deepStrictEqual(yield* starting.leftovers, [])

      const telling = yield* startDemo("--exit", ...anyPorts)
      yield* telling.says(/Try in another terminal/)
      yield* telling.kill("SIGINT")
      assert.strictEqual((yield* telling.ended).code, 130)
      assert.deepStrictEqual(yield* telling.leftovers, [])
    }).pipe(Effect.scoped), 120_000)

  it.live("ends quietly and leaves nothing when nobody reads its output any more", () =>
    Effect.gen(function*() {
      for (const mode of [["--exit", "--json"], ["--exit"]]) {
        const demo = yield* startDemo(...mode, ...anyPorts)
        yield* demo.says(/\n/)
        assert.lengthOf(yield* demo.leftovers, 1)
        yield* demo.closeOutput
        const { code, stderr } = yield* demo.ended
        assert.strictEqual(code, 130, stderr)
        assert.notMatch(stderr, /EPIPE|at .*:\d+:\d+/)
        assert.deepStrictEqual(yield* demo.leftovers, [])
      }
    }).pipe(Effect.scoped), 120_000)

  it.live("says which port is taken and how to choose another", () =>
    Effect.gen(function*() {
      const [udp, tcp] = [yield* takenPort("udp"), yield* takenPort("tcp")]
      for (
        const { flag, port, ports } of [
          { flag: "--dns-port", port: udp, ports: ["--dns-port", String(udp), "--http-port", "0"] },
          { flag: "--http-port", port: tcp, ports: ["--dns-port", "0", "--http-port", String(tcp)] }
        ]
      ) {
        const demo = yield* startDemo("--exit", "--json", ...ports)
        const { code, stderr, stdout } = yield* demo.ended
        assert.strictEqual(code, 1)
        const expected = new RegExp(`127\\.0\\.0\\.1:${port} .*another process has it.* ${flag} `)
        assert.match(stderr, expected)
        const [result, ...others] = lines(stdout).map((line) => JSON.parse(line))
        assert.strictEqual(result.result, "failed")
        assert.match(result.problem, expected)
        assert.deepStrictEqual(others, [])
        assert.deepStrictEqual(yield* demo.leftovers, [])
      }
    }).pipe(Effect.scoped), 120_000)
})
