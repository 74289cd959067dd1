import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import * as fc from "fast-check"
import { formatNatsAddress, parseNatsAddress } from "../../src/bus/NatsAddress.ts"
import { natsOptions } from "../../src/bus/NatsOptions.ts"
import { describeProblem } from "../../src/bus/natsProblem.ts"
import { makeViolations } from "../../src/bus/Violations.ts"
import { Local } from "../../src/domain/documents/Local.ts"

const local = (Nats: object, GeoDNS: object = {}) =>
  Schema.decodeUnknownSync(Local)({
    System: {
      ConfigUrls: {
        StaticDNSConfig: "",
        MembersConfig: "",
        ServicesConfig: "",
        IaasPricingConfig: "",
        ServicesRequestsConfig: "",
        AlertsConfig: ""
      }
    },
    Nats,
    GeoDNS: { Nats: GeoDNS }
  })
const place = (path: string) => `/etc/geodns/${path}`

describe("a NATS address", () => {
  it.each([
    ["nats://bus.example:4333", "bus.example:4333", false],
    ["tls://bus.example", "bus.example:4222", true],
    ["bus.example", "bus.example:4222", false],
    ["10.0.0.1:4224", "10.0.0.1:4224", false],
    ["nats://[2001:db8::1]:4224", "[2001:db8::1]:4224", false],
    ["TLS://BUS.example:443/", "bus.example:443", true],
    ["nats://bus.example:21", "bus.example:21", false]
  ])("%s is %s", (text, expected, tls) => {
    const address = parseNatsAddress(text)!
    assert.deepStrictEqual([formatNatsAddress(address), address.tls], [expected, tls])
  })

  it("may name a user", () => {
    const address = parseNatsAddress("nats://geo:p%40ss%2F1@bus.example")!
    assert.deepInclude(address, { host: "bus.example", user: "geo", password: "p@ss/1" })
    assert.notInclude(formatNatsAddress(address), "geo")
  })

  it("is none in anything else, and nothing is thrown", () => {
    for (const text of ["", "nats://", "ws://bus.example", "http://x", "nats://bus.example:99999", "nats://a b"]) {
      assert.isUndefined(parseNatsAddress(text), text)
    }
    fc.assert(fc.property(fc.string(), (text) => {
      const address = parseNatsAddress(text)
      assert.isTrue(address === undefined || (address.host !== "" && address.port >= 0 && address.port < 65_536))
    }))
  })
})

describe("the NATS options of a local document", () => {
  it("are those of v2: a list of addresses, user and password, the node's id as name", () => {
    const options = natsOptions(
      local({ NodeID: "DNS-1", Url: "nats://a:1, tls://b ,", User: "geo", Pass: "secret" }),
      place
    )
    assert.deepInclude(options, { servers: ["nats://a:1", "tls://b"], name: "DNS-1", user: "geo" })
    assert.strictEqual(Redacted.value(options.password!), "secret")
    assert.notProperty(options, "tls")
    assert.notInclude(JSON.stringify(options), "secret")
  })

  it("are a broker on this machine without a user when nothing is said", () => {
    assert.deepStrictEqual(natsOptions(local({}), place), { servers: ["nats://127.0.0.1:4222"], name: "geodns" })
  })

  it("take files from the place of the document", () => {
    const options = natsOptions(
      local({}, {
        CredentialsFile: "node.creds",
        NKeySeed: "SUSECRET",
        Tls: { CaFile: "ca.pem", CertFile: "c.pem", KeyFile: "k.pem", HandshakeFirst: true }
      }),
      place
    )
    assert.deepInclude(options, {
      credentialsFile: "/etc/geodns/node.creds",
      tls: {
        caFile: "/etc/geodns/ca.pem",
        certFile: "/etc/geodns/c.pem",
        keyFile: "/etc/geodns/k.pem",
        handshakeFirst: true
      }
    })
    assert.strictEqual(Redacted.value(options.nkeySeed!), "SUSECRET")
  })
})

describe("a problem with the broker", () => {
  const options = { servers: [], name: "n", password: Redacted.make("planted"), nkeySeed: Redacted.make("SUPLANTED") }
  const address = parseNatsAddress("nats://geo:urlsecret@bus.example")!

  it("is one short line without a secret", () => {
    const cause = new Error(`planted\nSUPLANTED urlsecret ${"x".repeat(1000)}`)
    const line = describeProblem(options, [address], cause)
    assert.match(line, /^\*\*\* \*\*\* \*\*\* x+…$/)
    assert.isAtMost(line.length, 300)
  })

  it("says what to do where that is known", () => {
    const coded = (code: string, message = "m") => Object.assign(new Error(message), { code })
    const told = (error: unknown) => describeProblem(options, [], error)
    assert.include(told(coded("ERR_MODULE_NOT_FOUND")), "npm install @nats-io/transport-node")
    assert.include(told(new Error("connection refused", { cause: coded("ECONNREFUSED") })), "nobody listens there")
    assert.include(told(coded("ENOENT", "open '/x/node.creds'")), "/x/node.creds")
    assert.include(told(coded("CERT_HAS_EXPIRED", "certificate has expired")), "TLS: certificate has expired")
    assert.isString(told(undefined))
    assert.isString(told("text"))
  })
})

describe("what the broker forbids", () => {
  it("is told for two minutes after it last said so, once per subject, bounded", () => {
    const violations = makeViolations()
    assert.isUndefined(violations.describe(0))
    violations.add({ operation: "publish", subject: "a" }, 0)
    violations.add({ operation: "publish", subject: "_INBOX.1" }, 60_000)
    violations.add({ operation: "publish", subject: "_INBOX.2" }, 60_000)
    violations.add({ operation: "subscription", subject: "b" }, 60_000)
    assert.include(violations.describe(119_999), "publish on a, publish on _INBOX.>, listen on b")
    assert.isTrue(violations.refusesSubscription("b", 119_999))
    assert.isFalse(violations.refusesSubscription("a", 119_999))
    assert.notInclude(violations.describe(120_000), "publish on a,")
    assert.isUndefined(violations.describe(180_000))
    for (let i = 0; i < 10_000; i++) violations.add({ operation: "publish", subject: `x${i}` }, 200_000)
    assert.isBelow(violations.describe(200_000)!.length, 1_000)
  })
})
