import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { plan } from "../../../src/monitor/plan.ts"
import { runInTime } from "../../../src/monitor/Prober.ts"
import { Probes } from "../../../src/monitor/Probes.ts"
import { probes } from "../../readme/ownProbe.ts"
import { catalogOf, decodeLocal, rawCheck, rawMember } from "../documents.ts"
import { tcpServer, type TestServer } from "../servers.ts"

const smtpAt = Effect.fnUntraced(function*({ address, port }: TestServer) {
  const checks = [
    rawCheck({ Name: "smtp", CheckType: "site", Timeout: 1, ExtraOptions: { Port: port } }),
    rawCheck({ Name: "http", CheckType: "endpoint" })
  ]
  const catalog = catalogOf({ a: rawMember({ name: "A", ipv4: address }) }, {})
  const made = plan(decodeLocal({ Checks: checks }), catalog, { ipv4: "all", ipv6: "all" }, yield* Probes)
  assert.deepStrictEqual([...made.problems.values()], [])
  assert.strictEqual(made.targets.size, 1)
  return yield* runInTime([...made.targets.values()][0]!)
})

describe("a probe of one's own", () => {
  it.live("is one more name for checks, with the port, the deadline and the clean-up of the others", () =>
    Effect.gen(function*() {
      const mail = yield* tcpServer((socket) => void socket.write("220 mail.example ESMTP\r\n"))
      assert.deepStrictEqual(yield* smtpAt(mail), { up: true, error: "", data: null })
      yield* mail.drained
      const web = yield* tcpServer((socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"))
      assert.strictEqual((yield* smtpAt(web)).error, "no mail server greets")
      const silent = yield* tcpServer(() => undefined)
      assert.strictEqual((yield* smtpAt(silent)).error, "no complete answer within 1 s")
      yield* silent.drained
      const gone = yield* Effect.scoped(tcpServer(() => undefined))
      assert.strictEqual((yield* smtpAt(gone)).error, "connection refused")
    }).pipe(Effect.provide(probes)))

  it.live("stands beside those of this version, and may take the place of one", () =>
    Effect.gen(function*() {
      const all = yield* Probes
      assert.isTrue(all.has("smtp") && all.has("wss"))
      const own = { ...all.get("smtp")!, name: "tcp" }
      const replaced = yield* Probes.pipe(Effect.provide(Probes.layerWith([own])))
      assert.strictEqual(replaced.get("tcp"), own)
      assert.strictEqual(replaced.size, all.size - 1)
    }).pipe(Effect.provide(Probes.layerWith([{ name: "smtp", checkTypes: ["site"], prepare: () => ({}) as never }]))))
})
