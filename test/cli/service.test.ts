import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { startProgram } from "./geodns.ts"

const child = join(import.meta.dirname, "service.child.ts")
const start = (...args: ReadonlyArray<string>) => startProgram(child, args)

describe.concurrent("a service", () => {
  it.live("ends with 0 when a signal comes, once it has tidied up", () =>
    Effect.gen(function*() {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const running = yield* start("quick")
        yield* running.says(/runs/)
        yield* running.kill(signal)
        const { code, stdout } = yield* running.ended
        assert.deepStrictEqual([code, stdout], [0, "runs\ntidied up\n"], signal)
      }
    }).pipe(Effect.scoped), 120_000)

  it.live("says in its log that it stops, why, and how long that took, if it has a log", () =>
    Effect.gen(function*() {
      const running = yield* start("slow", "10000", "logged")
      yield* running.says(/runs/)
      yield* running.kill("SIGTERM")
      const { code, stderr, stdout } = yield* running.ended
      assert.strictEqual(code, 0)
      assert.match(stdout + stderr, /stopping: SIGTERM came[^]*stopped after (1\.[5-9]|[2-9]\.\d) s/)
    }).pipe(Effect.scoped), 120_000)

  it.live("ends in time with 1 when something hangs, and says what is left", () =>
    Effect.gen(function*() {
      const running = yield* start("hangs", "400")
      yield* running.says(/runs/)
      yield* running.kill("SIGTERM")
      const { code, stderr, stdout } = yield* running.ended
      assert.strictEqual(code, 1)
      assert.match(stdout + stderr, /still not stopped 0\.4 s after the signal; ending anyway\. Open: \d+ \w+/)
    }).pipe(Effect.scoped), 120_000)

  it.live("takes one Ctrl-C that comes twice for one, and ends at once with a second", () =>
    Effect.gen(function*() {
      const twice = yield* start("slow")
      yield* twice.says(/runs/)
      yield* twice.kill("SIGINT")
      yield* twice.kill("SIGINT")
      const tidied = yield* twice.ended
      assert.deepStrictEqual([tidied.code, tidied.stdout], [0, "runs\ntidied up\n"])

      for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
        const hangs = yield* start("hangs")
        yield* hangs.says(/runs/)
        yield* hangs.kill("SIGTERM")
        // The second one counts a second after the first.
        yield* Effect.sleep("1200 millis")
        yield* hangs.kill(signal)
        assert.strictEqual((yield* hangs.ended).code, expected)
      }
    }).pipe(Effect.scoped), 120_000)

  it.live("is not ended by SIGHUP, unless it wants to be", () =>
    Effect.gen(function*() {
      const running = yield* start("quick")
      yield* running.says(/runs/)
      yield* running.kill("SIGHUP")
      yield* running.says(/SIGHUP came/)
      yield* running.kill("SIGTERM")
      assert.strictEqual((yield* running.ended).code, 0)

      const stops = yield* start("hangup")
      yield* stops.says(/runs/)
      yield* stops.kill("SIGHUP")
      const { code, stdout } = yield* stops.ended
      assert.deepStrictEqual([code, stdout.includes("tidied up")], [0, true])
    }).pipe(Effect.scoped), 120_000)
})
