import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { ask } from "../../../src/dns/DnsClient.ts"
import { eventually, run, start } from "../../cli/geodns.ts"
import { operatorFolder, ownAddress, quiet } from "../../cli/operator.ts"
import { startPowerDns } from "../../servers/PowerDns.ts"
import { describeWith, pdns } from "../../servers/Server.ts"

/** As many as our configuration gives PowerDNS, and the one that reads the zones. */
const threads = 8 + 1

describeWith(pdns, "PowerDNS and a geodns that is killed", () => {
  it.live(
    "loses no more than a question for each thread once geodns is back; its socket is replaced",
    () =>
      Effect.gen(function*() {
        const folder = yield* operatorFolder((local) => {
          quiet(local, ownAddress())
          local.GeoDNS.Dns.PowerDnsSocket = "pdns.sock"
        })
        const config = ["--config", join(folder, "local.json")]
        const socket = join(folder, "pdns.sock")
        const printed = yield* run("dns", ...config, "--print-pdns-conf")
        assert.strictEqual(printed.code, 0, printed.stderr)
        assert.include(printed.stdout, `remote-connection-string=unix:path=${socket},timeout=2000\n`)

        const first = yield* start(["standalone", ...config])
        yield* first.says(/DNS .*\n/)
        const { port } = yield* Effect.acquireRelease(
          Effect.promise(() => startPowerDns({ conf: printed.stdout })),
          ({ dispose }) => Effect.promise(dispose)
        )
        const outcomes: Array<string> = []
        const question = { server: "127.0.0.1", port, name: "polkadot.dotters.example", type: "A" } as const
        const load = yield* ask({ ...question, subnet: "203.0.113.0/24", timeout: "5 seconds" }).pipe(
          Effect.match({
            onSuccess: ({ answers, rcode }) => rcode === "NOERROR" ? `${rcode} ${answers.length}` : rcode,
            onFailure: ({ reason }) => reason._tag
          }),
          Effect.map((outcome) => void outcomes.push(outcome)),
          // One does not eat up the machine.
          Effect.andThen(Effect.sleep("2 millis")),
          Effect.forever,
          Effect.replicateEffect(16, { concurrency: "unbounded", discard: true }),
          Effect.forkChild
        )
        const answered = (count: number) =>
          eventually(
            `${count} answers`,
            Effect.sync(() => outcomes.length >= count ? Option.some(outcomes) : Option.none())
          )
        yield* answered(500)
        assert.deepStrictEqual([...new Set(outcomes)], ["NOERROR 1"])

        yield* first.kill("SIGKILL")
        yield* first.ended
        assert.isTrue(existsSync(socket), "kill -9 leaves the socket behind")
        outcomes.length = 0
        yield* answered(20)
        // Without us there is nothing to say, and nothing else is said.
        assert.includeMembers(["SERVFAIL", "NOERROR 1", "NoAnswer"], [...new Set(outcomes)])

        const second = yield* start(["standalone", ...config])
        yield* second.says(/DNS .*\n/)
        // Under way while it started.
        yield* answered(outcomes.length + 64)
        outcomes.length = 0
        yield* answered(2_000)
        yield* Fiber.interrupt(load)
        const lost = outcomes.filter((outcome) => outcome !== "NOERROR 1")
        assert.isAtMost(lost.length, threads, lost.join())
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("has nothing to print for a document that names no socket", () =>
    Effect.gen(function*() {
      const folder = yield* operatorFolder((local) => quiet(local, ownAddress()))
      const { code, stderr, stdout } = yield* run("dns", "--config", join(folder, "local.json"), "--print-pdns-conf")
      assert.deepStrictEqual([code, stdout], [1, ""])
      assert.match(stderr, /does not say where PowerDNS is answered\. Set GeoDNS\.Dns\.PowerDnsSocket/)
    }).pipe(Effect.scoped), 120_000)
})
