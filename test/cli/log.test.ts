import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Scope } from "effect"
import { fakeNode } from "./fakeNode.ts"
import { eventually, lines, start } from "./geodns.ts"
import { command } from "./inProcess.ts"
import { decided, proposed } from "./samples.ts"

const ids = (stdout: string): ReadonlyArray<number> => lines(stdout).map((line) => JSON.parse(line).id)

describe("geodns log", () => {
  it.live("fails when what was asked for did not come whole", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode({
        refuse: (request, response) => {
          if (!request.url!.startsWith("/api/log")) return false
          response.writeHead(200, { "content-type": "text/event-stream" }).write("id: 1\nevent: Decided\n")
          setTimeout(() => response.destroy(), 50)
          return true
        }
      })
      const { ok, stdout } = yield* command(["log", "--json", "--node", node.url])
      assert.deepStrictEqual([ok, stdout], [false, ""])
    }).pipe(Effect.scoped))
})

describe("geodns log --follow", () => {
  it.live(
    "shows what was and what comes once each, over a cut connection, a node away and a restarted one",
    () =>
      Effect.gen(function*() {
        const first = yield* Scope.make()
        const node = yield* Scope.provide(fakeNode(), first)
        node.events.push(decided(1))
        const log = yield* start(["log", "--follow", "--json", "--node", node.url])
        yield* log.says(/"id":1\b/)
        const followed = (asked: ReadonlyArray<{ readonly url: string }>) =>
          asked.filter(({ url }) => url.startsWith("/api/log") && !url.includes("follow=false")).map(({ url }) => url)
        const following = (count: number) =>
          eventually(
            `it follows the ${count}. time`,
            Effect.sync(() => followed(node.asked).length >= count ? Option.some(true) : Option.none())
          )
        yield* following(1)
        node.emit(decided(2, true))
        node.emit(proposed(3))
        node.emit(decided(4))
        yield* log.says(/"id":4\b/)
        node.cut()
        yield* following(2)
        assert.deepStrictEqual(followed(node.asked), ["/api/log?after=1", "/api/log?after=4"])

        yield* Scope.close(first, Exit.void)
        yield* log.logs(/lost http:\/\/\S+ \(no node answers/)
        // The same address, another process: it counts from 1 again.
        const again = yield* fakeNode({ port: node.port })
        again.boot = "boot-2"
        again.events.push({ ...decided(1), at: "2026-04-22T08:09:10.000Z" })
        yield* log.says(/2026-04-22/)
        yield* log.logs(/answers again/)
        yield* log.logs(/was restarted: what it has since then follows/)
        yield* log.kill("SIGINT")
        const { code, stderr, stdout } = yield* log.ended
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(ids(stdout), [1, 2, 4, 1])
        // One line for one absence, however often it was tried.
        assert.lengthOf([...stderr.matchAll(/lost http/g)], 1)
      }).pipe(Effect.scoped),
    120_000
  )
})
