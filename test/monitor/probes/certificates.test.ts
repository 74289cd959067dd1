import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import * as tls from "node:tls"
import { Probes } from "../../../src/monitor/Probes.ts"
import { traced } from "../../../src/monitor/ProbeTrace.ts"
import { type Certificate, fixture, tlsServer } from "../servers.ts"
import { type Look, lookAt, targetAt } from "./looks.ts"
import { answering, ethereum, rpcServer, substrate, webSocketServer } from "./peers.ts"

const before = tls.getCACertificates("default")
beforeAll(() => tls.setDefaultCACertificates([...before, readFileSync("test/fixtures/tls/authority.pem", "utf8")]))
afterAll(() => tls.setDefaultCACertificates(before))

const url = "https://rpc.demo.example/"
const ssl: Look = { probe: "ssl", url }

/** The member's own certificate without the intermediate that it takes to trust it. */
const incomplete = () => {
  const { cert, key } = fixture("valid")
  return { key, cert: String(cert).match(/-----BEGIN[^]*?END CERTIFICATE-----/)![0] }
}

describe("certificates", () => {
  it.live("a failure has what was measured: expiry, days, issuer", () =>
    Effect.gen(function*() {
      const data = Effect.fnUntraced(function*(name: string, certificate: Certificate = fixture(name)) {
        const server = yield* tlsServer(name, [], certificate)
        const { data, error, up } = yield* lookAt(server, ssl)
        yield* server.drained
        assert.isFalse(up)
        return { error, data: data as { readonly DaysUntilExpiry: number } }
      })
      const expired = yield* data("expired")
      assert.strictEqual(expired.error, "the certificate has expired")
      assert.deepInclude<object>(expired.data, { ExpiryTimestamp: 1_609_459_200, Issuer: "Example Test Intermediate" })
      assert.isBelow(expired.data.DaysUntilExpiry, -1_000)
      assert.strictEqual((yield* data("other-name")).error, "the certificate is not for rpc.demo.example")
      assert.strictEqual(
        (yield* data("self-signed")).error,
        "the certificate is not trusted: it is self-signed"
      )
      assert.strictEqual(
        (yield* data("valid", incomplete())).error,
        "the certificate is not trusted: an intermediate certificate is missing, or the authority is not known here"
      )
    }).pipe(Effect.provide(Probes.layer)))

  it.live("what is wrong with one is shown at the step TLS", () =>
    Effect.gen(function*() {
      const server = yield* tlsServer("self-signed")
      const planned = yield* targetAt(server, ssl)
      const { steps } = yield* traced(planned.check.run(planned))
      assert.deepStrictEqual(steps.map(({ error, name }) => [name, error]), [
        ["connect", ""],
        ["TLS", "the certificate is not trusted: it is self-signed"]
      ])
    }).pipe(Effect.provide(Probes.layer)))

  // The clock of the test stands still, so the deadlines never end; the intermediate is valid until 2120-01-01
  it.effect("5 days are enough, a moment less is not", () =>
    Effect.gen(function*() {
      const server = yield* tlsServer("valid")
      const end = Date.parse("2120-01-01T00:00:00Z")
      const days = 86_400_000
      yield* TestClock.setTime(end - 5 * days)
      assert.strictEqual((yield* lookAt(server, ssl)).error, "")
      yield* TestClock.setTime(end - 5 * days + 1)
      assert.strictEqual(
        (yield* lookAt(server, ssl)).error,
        "a certificate of the chain expires in less than 5 days"
      )
    }).pipe(Effect.provide(Probes.layer)))

  it.live("hold for every probe that speaks TLS", () =>
    Effect.gen(function*() {
      for (const name of ["expired", "other-name", "self-signed"]) {
        const web = yield* rpcServer(ethereum, { tls: name })
        const line = yield* webSocketServer(answering(substrate), { tls: name })
        const errors = [
          yield* lookAt(web, { probe: "http", url }),
          yield* lookAt(web, { probe: "ethrpc", url }),
          yield* lookAt(web, ssl),
          yield* lookAt(line, { probe: "wss", url })
        ].map(({ error }) => error)
        assert.strictEqual(new Set(errors).size, 1, errors.join("\n"))
        assert.match(errors[0]!, /^the certificate /)
      }
    }).pipe(Effect.provide(Probes.layer)))
})
