import { assert, it } from "@effect/vitest"
import { Effect, Option, Redacted, Stream } from "effect"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { createServer } from "node:tls"
import { freePort } from "../servers/NatsServer.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { eventually, natsBus, until } from "./natsClients.ts"
import { credentialsFile, natsJwt } from "./natsIdentity.ts"

const fixture = (name: string) => join(import.meta.dirname, "../fixtures/tls", name)

/** The address that the certificates of the fixtures are for. */
const host = "127.0.1.1"
const tlsConfig = (more = "") =>
  `tls { cert_file: "${fixture("valid.pem")}", key_file: "${fixture("valid.key")}", timeout: 5 ${more} }`
const caFile = fixture("authority.pem")

const nkeys = Effect.map(Effect.promise(() => import("@nats-io/transport-node")), (client) => client.nkeys)
const seedOf = (pair: { readonly getSeed: () => Uint8Array }) => Buffer.from(pair.getSeed()).toString()

type Client = Effect.Success<ReturnType<typeof natsBus>>
const problemSays = (bus: Client, text: string) =>
  eventually(`problem with ${text}`, Effect.map(bus.problem, (problem) => problem?.includes(text) === true))

/** Sends something through, to see that the connection works. */
const works = Effect.fnUntraced(function*(bus: Client) {
  yield* until(bus, true)
  assert.isUndefined(yield* bus.problem)
  yield* bus.publish("works", "yes")
})

describeWith(nats, "access to a NATS broker", () => {
  it.live("by user and password, from the options or the URL", () =>
    Effect.gen(function*() {
      const server = yield* natsServer({ config: `authorization { user: geo, password: "pass word/1" }` })
      const [a, b] = yield* Effect.all([
        natsBus({ servers: [server.url], user: "geo", password: Redacted.make("pass word/1") }),
        natsBus({ servers: [server.url.replace("//", "//geo:pass%20word%2F1@")] })
      ])
      yield* works(a)
      yield* works(b)
    }), 120_000)

  it.live(
    "a wrong password is told without it, tried again calmly, and over once it is right",
    () =>
      Effect.gen(function*() {
        const config = (password: string) => `authorization { user: geo, password: ${password} }`
        const server = yield* natsServer({ config: config("other") })
        const bus = yield* natsBus({ servers: [server.url], user: "geo", password: Redacted.make("planted-secret") })
        yield* problemSays(bus, "does not let us in")
        const problem = (yield* bus.problem)!
        assert.include(problem, String(server.port))
        assert.include(problem, "Nats.Pass")
        assert.notInclude(problem, "planted-secret")
        assert.isFalse(yield* bus.connected)
        yield* Effect.sleep("4 seconds")
        assert.isAtMost(server.log().match(/authentication error/gi)?.length ?? 0, 2, "attempts within 4 s")
        yield* Effect.promise(server.stop)
        yield* Effect.promise(() => server.restart(config("planted-secret")))
        yield* works(bus)
      }),
    120_000
  )

  it.live("by nkey, and not by another one", () =>
    Effect.gen(function*() {
      const { createUser } = yield* nkeys
      const [known, stranger] = [createUser(), createUser()]
      const server = yield* natsServer({ config: `authorization { users: [ { nkey: ${known.getPublicKey()} } ] }` })
      const servers = [server.url]
      yield* works(yield* natsBus({ servers, nkeySeed: Redacted.make(seedOf(known)) }))
      const refused = yield* natsBus({ servers, nkeySeed: Redacted.make(seedOf(stranger)) })
      yield* problemSays(refused, "does not let us in")
      const broken = yield* natsBus({ servers, nkeySeed: Redacted.make("SUNOSEEDATALL") })
      yield* eventually(
        "a reason",
        Effect.map(broken.problem, (problem) => problem?.includes(String(server.port)) === true)
      )
      assert.notInclude((yield* broken.problem)!, "SUNOSEEDATALL")
      assert.isFalse(yield* broken.connected)
    }), 120_000)

  it.live(
    "by a credentials file that an operator's account signed, read again at every attempt",
    () =>
      Effect.gen(function*() {
        const { createAccount, createOperator, createUser } = yield* nkeys
        const [operator, account, user] = [createOperator(), createAccount(), createUser()]
        const server = yield* natsServer({
          config: `operator: "${natsJwt("operator", operator, operator, "test")}"
resolver: MEMORY
resolver_preload: { ${account.getPublicKey()}: "${natsJwt("account", account, operator, "network")}" }`
        })
        const file = join(server.folder, "node.creds")
        const bus = yield* natsBus({ servers: [server.url], credentialsFile: file })
        yield* problemSays(bus, "a file cannot be read")
        assert.include(yield* bus.problem, file)
        yield* Effect.promise(() => writeFile(file, "no credentials"))
        yield* problemSays(bus, "credentials")
        yield* Effect.promise(() => writeFile(file, credentialsFile(natsJwt("user", user, account, "node"), user)))
        yield* works(bus)
        const without = yield* natsBus({ servers: [server.url] })
        yield* problemSays(without, "does not let us in")
      }),
    120_000
  )

  it.live(
    "with TLS by an authority of its own, and a certificate of ours when the broker wants one",
    () =>
      Effect.gen(function*() {
        const server = yield* natsServer({ host, config: tlsConfig() })
        const strict = yield* natsServer({ host, config: tlsConfig(`, ca_file: "${caFile}", verify: true`) })
        const own = { certFile: fixture("valid.pem"), keyFile: fixture("valid.key") }
        yield* works(yield* natsBus({ servers: [server.url], tls: { caFile } }))
        yield* works(yield* natsBus({ servers: [strict.url], tls: { caFile, ...own } }))
        const [untrusting, anonymous, lost] = yield* Effect.all([
          natsBus({ servers: [server.url.replace("nats:", "tls:")] }),
          natsBus({ servers: [strict.url], tls: { caFile } }),
          natsBus({ servers: [server.url], tls: { caFile: "/nowhere/ca.pem" } })
        ])
        yield* problemSays(untrusting, "TLS:")
        yield* problemSays(lost, "/nowhere/ca.pem")
        yield* eventually("a reason", Effect.map(anonymous.problem, (problem) => problem !== "no connection yet"))
        for (const bus of [untrusting, anonymous, lost]) assert.isFalse(yield* bus.connected)
      }),
    120_000
  )

  it.live("not with TLS for another name, nor without TLS where it was asked for", () =>
    Effect.gen(function*() {
      const named = yield* natsServer({
        host,
        config: `tls { cert_file: "${fixture("other-name.pem")}", key_file: "${fixture("other-name.key")}" }`
      })
      const plain = yield* natsServer()
      const [a, b] = yield* Effect.all([
        natsBus({ servers: [named.url], tls: { caFile } }),
        natsBus({ servers: [plain.url.replace("nats:", "tls:")] })
      ])
      yield* problemSays(a, "TLS:")
      yield* problemSays(b, "TLS:")
      assert.deepStrictEqual([yield* a.connected, yield* b.connected], [false, false])
    }), 120_000)

  it.live("with TLS before the greeting", () =>
    Effect.gen(function*() {
      // nats-server 2.9 cannot do it: TLS ends in front of it here, and its greeting says so.
      const server = yield* natsServer()
      const port = yield* Effect.promise(() => freePort(host))
      yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const front = createServer(
            { cert: readFileSync(fixture("valid.pem")), key: readFileSync(fixture("valid.key")) },
            (near) => {
              const far = connect(server.port, "127.0.0.1")
              far.once("data", (info) => {
                near.write(String(info).replace(/^INFO \{/, `INFO {"tls_required":true,`))
                far.pipe(near)
              })
              near.pipe(far)
              for (const socket of [near, far]) {
                socket.on("error", () => {})
                socket.on("close", () => (near.destroy(), far.destroy()))
              }
            }
          ).listen(port, host, () => resume(Effect.succeed(front)))
        }),
        (front) => Effect.sync(() => front.close())
      )
      yield* works(yield* natsBus({ servers: [`${host}:${port}`], tls: { caFile, handshakeFirst: true } }))
      const untrusting = yield* natsBus({ servers: [`${host}:${port}`], tls: { handshakeFirst: true } })
      yield* problemSays(untrusting, "TLS:")
    }), 120_000)

  it.live("by whichever of several servers answers", () =>
    Effect.gen(function*() {
      const [a, b] = yield* Effect.all([natsServer(), natsServer()])
      const dead = `nats://127.0.0.1:${yield* Effect.promise(() => freePort())}`
      const bus = yield* natsBus({ servers: [dead, a.url, b.url] })
      yield* works(bus)
      yield* Effect.promise(a.kill)
      // Where it was on b already, nothing is lost.
      yield* eventually("connected again", bus.connected)
      yield* works(bus)
      yield* Effect.promise(() => a.restart())
      yield* Effect.promise(b.kill)
      yield* until(bus, true)
      yield* eventually("connected again", bus.connected)
      yield* works(bus)
    }), 120_000)

  it.live("what the broker forbids is a problem, and the rest goes on", () =>
    Effect.gen(function*() {
      const config = (allowed: string) =>
        `authorization { users: [ { user: geo, password: x, permissions: { publish: ${allowed}, subscribe: "ok.>" } } ] }`
      const server = yield* natsServer({ config: config(`"ok.>"`) })
      const options = { servers: [server.url], user: "geo", password: Redacted.make("x") }
      const [a, b] = yield* Effect.all([natsBus(options), natsBus(options)])
      yield* Effect.all([until(a, true), until(b, true)])
      yield* a.subscribe("forbidden.one")
      yield* a.publish("forbidden.two", "x")
      yield* problemSays(a, "listen on forbidden.one")
      yield* problemSays(a, "publish on forbidden.two")
      assert.isTrue(yield* a.connected)
      const messages = yield* b.subscribe("ok.x")
      yield* a.publish("ok.x", "1")
      const first = yield* messages.pipe(Stream.runHead, Effect.timeout("15 seconds"))
      assert.strictEqual(Option.getOrThrow(first).data, "1")
      assert.isUndefined(yield* b.problem)
    }), 120_000)

  it.live("a broker that takes less says how much", () =>
    Effect.gen(function*() {
      const server = yield* natsServer({ config: "max_payload: 2000" })
      const bus = yield* natsBus({ servers: [server.url] })
      yield* until(bus, true)
      yield* bus.publish("t", "x".repeat(2_000))
      const error = yield* Effect.flip(bus.publish("t", "x".repeat(2_001)))
      assert.deepInclude(error.reason, { _tag: "TooLong", bytes: 2_001, limit: 2_000 })
      yield* works(bus)
    }), 120_000)

  it.live("what is no address, no subject or no NATS server is told", () =>
    Effect.gen(function*() {
      const server = yield* natsServer()
      const bus = yield* natsBus({ servers: ["ws://somewhere:planted-secret"] })
      assert.include(yield* bus.problem, "entry 1")
      assert.notInclude(yield* bus.problem, "planted-secret")
      const good = yield* natsBus({ servers: [server.url] })
      yield* until(good, true)
      for (const subject of ["", "a b", "a\r\nPUB x 0\r\n\r\n"]) {
        const error = yield* Effect.flip(good.publish(subject, "x"))
        assert.strictEqual(error.reason._tag, "Unencodable")
        assert.strictEqual((yield* Effect.flip(good.publish("a", "x", subject))).reason._tag, "Unencodable")
      }
      yield* works(good)
    }), 120_000)
})
