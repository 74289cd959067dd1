import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { get } from "node:https"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { connect, type SecureVersion } from "node:tls"
import { pairProblem, validityProblem } from "../../src/http/certificate.ts"
import { HttpBounds, layerServer, Route, serve } from "../../src/http/index.ts"
import { followPair, readPair } from "../../src/http/Tls.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { anybody, ask, port } from "./client.ts"

const fixtures = resolve(import.meta.dirname, "../fixtures/tls")
const text = (name: string) => readFileSync(join(fixtures, name), "utf8")
const authority = text("authority.pem")

/** A folder with a pair that is gone with the scope. `put` writes the pair of another name over it. */
const pairFolder = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-tls-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => {
    const files = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") }
    const put = (cert: string, key = cert) => {
      copyFileSync(join(fixtures, `${cert}.pem`), files.certFile)
      copyFileSync(join(fixtures, `${key}.key`), files.keyFile)
    }
    put("valid")
    return { files, put }
  }
)

const tlsCondition = Effect.map(
  Conditions.use(({ current }) => current),
  (all) => all.find(({ name }) => name === "http:tls")?.detail
)

describe("a pair", () => {
  const files = { cert: "/c.pem", key: "/k.pem" }
  const problem = (cert: string, key: string) => pairProblem({ cert, key }, files)

  it("is taken when certificate and key belong together", () => {
    for (const name of ["valid", "expired", "self-signed"]) {
      assert.isUndefined(problem(text(`${name}.pem`), text(`${name}.key`)), name)
    }
  })

  it("is refused with the file that is wrong, and without what is in it", () => {
    const key = text("valid.key")
    assert.strictEqual(
      problem(text("valid.pem"), text("other-name.key")),
      "the key in /k.pem is not that of the certificate in /c.pem"
    )
    assert.strictEqual(problem(key, text("valid.pem")), "/c.pem is no certificate in PEM form")
    assert.strictEqual(problem("", key), "/c.pem is no certificate in PEM form")
    assert.strictEqual(problem(text("valid.pem").slice(0, 300), key), "/c.pem is no certificate in PEM form")
    for (const bad of ["", "x", key.slice(0, 60), text("valid.pem")]) {
      assert.strictEqual(problem(text("valid.pem"), bad), "/k.pem is no key in PEM form")
    }
    assert.include(
      problem(text("valid.pem"), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----\n"),
      "has a passphrase"
    )
  })

  it("that is not valid, or not for long, is told", () => {
    const at = (time: string) => validityProblem(text("expired.pem"), "/c.pem", Date.parse(time))
    assert.include(at("2100-01-01T00:00:00Z"), "has expired on 20")
    assert.include(at("1990-01-01T00:00:00Z"), "is not valid before 20")
    const end = /expired on (\S+):/.exec(at("2100-01-01T00:00:00Z")!)![1]!
    assert.strictEqual(
      at(new Date(Date.parse(end) - 6 * 86_400_000).toISOString()),
      `the certificate in /c.pem expires on ${end}`
    )
    assert.isUndefined(at(new Date(Date.parse(end) - 8 * 86_400_000).toISOString()))
  })
})

/** Looks at the files much more often. */
const looking = Layer.effect(HttpBounds, Effect.map(HttpBounds, (bounds) => ({ ...bounds, certificate: 20 })))

describe("followPair", () => {
  it.live("gives a new pair to the server, keeps the old one while there is none, and says so", () =>
    Effect.gen(function*() {
      const { files, put } = yield* pairFolder
      const used: Array<string> = []
      yield* followPair(files, yield* readPair(files), ({ cert }) => void used.push(cert))
      const until = (what: string | undefined) =>
        Effect.delay(tlsCondition, "10 millis").pipe(
          Effect.repeat({ until: (now) => what === undefined ? now === undefined : now?.includes(what) === true }),
          Effect.timeout("15 seconds")
        )
      yield* until(undefined)

      put("other-name", "valid")
      const mismatch = yield* until("is not that of the certificate")
      assert.include(mismatch, "In use: the certificate from before")
      rmSync(files.keyFile)
      yield* until("key.pem cannot be read (ENOENT)")
      assert.deepStrictEqual(used, [])

      put("other-name")
      yield* until(undefined)
      assert.deepStrictEqual(used, [text("other-name.pem")])
      put("expired")
      yield* until("has expired on")
    }).pipe(Effect.provide(Conditions.layer), Effect.provide(looking)))
})

const hello = HttpRouter.use((router) => Route.get(router, "/hello", Effect.succeed(HttpServerResponse.text("hello"))))

const secure = (tls: { readonly certFile: string; readonly keyFile: string }) =>
  serve(hello).pipe(
    Layer.provideMerge(layerServer({ host: "127.0.0.1", port: 0, tls })),
    Layer.provide([anybody, looking]),
    Layer.provideMerge(Conditions.layer)
  )

const askSecurely = Effect.fnUntraced(function*(path: string) {
  const number = yield* port
  return yield* Effect.callback<{ readonly text: string; readonly name: string }, Error>((resume) => {
    const asked = get(
      {
        host: "127.0.0.1",
        port: number,
        path,
        ca: authority,
        servername: "rpc.demo.example",
        agent: false,
        checkServerIdentity: () => undefined
      },
      (response) => {
        const { subject, subjectaltname } = (response.socket as import("node:tls").TLSSocket).getPeerCertificate()
        let body = ""
        response.on("data", (data) => {
          body += data
        })
        response.on("end", () => resume(Effect.succeed({ text: body, name: subjectaltname ?? String(subject) })))
      }
    )
    asked.on("error", (error) => resume(Effect.fail(error)))
  })
})

const handshake = (number: number, version: SecureVersion) =>
  Effect.callback<string>((resume) => {
    const socket = connect({
      host: "127.0.0.1",
      port: number,
      minVersion: version,
      maxVersion: version,
      ciphers: "DEFAULT@SECLEVEL=0",
      rejectUnauthorized: false
    })
    socket.on("secureConnect", () => {
      resume(Effect.succeed(socket.getProtocol() ?? ""))
      socket.destroy()
    })
    socket.on("error", () => resume(Effect.succeed("refused")))
  })

describe("a server with TLS", () => {
  it.live("answers over TLS 1.2 and 1.3, and over nothing else", () =>
    Effect.gen(function*() {
      const { files } = yield* pairFolder
      yield* Effect.gen(function*() {
        const { name, text } = yield* askSecurely("/hello")
        assert.strictEqual(text, "hello")
        assert.include(name, "rpc.demo.example")
        const number = yield* port
        assert.strictEqual(yield* handshake(number, "TLSv1.2"), "TLSv1.2")
        assert.strictEqual(yield* handshake(number, "TLSv1.3"), "TLSv1.3")
        assert.strictEqual(yield* handshake(number, "TLSv1.1"), "refused")
        const plain = yield* Effect.exit(Effect.sandbox(ask("/hello")))
        assert.isTrue(Exit.isFailure(plain))
        assert.strictEqual((yield* askSecurely("/hello")).text, "hello")
      }).pipe(Effect.provide(secure(files)))
    }))

  it.live(
    "takes a renewed certificate without a restart, for connections that come then",
    () =>
      Effect.gen(function*() {
        const { files, put } = yield* pairFolder
        yield* Effect.gen(function*() {
          assert.include((yield* askSecurely("/hello")).name, "rpc.demo.example")
          put("other-name")
          const renewed = yield* askSecurely("/hello").pipe(
            Effect.delay("20 millis"),
            Effect.repeat({ until: ({ name }) => name.includes("other.example") }),
            Effect.timeout("15 seconds")
          )
          assert.include(renewed.name, "other.example")
        }).pipe(Effect.provide(secure(files)))
      }),
    120_000
  )

  it.live("does not start with a pair that cannot be used, and says what is wrong and where", () =>
    Effect.gen(function*() {
      const { files, put } = yield* pairFolder
      const start = Effect.scoped(Layer.build(secure(files))).pipe(Effect.flip, Effect.map(({ message }) => message))
      put("valid", "other-name")
      assert.strictEqual(
        yield* start,
        `The HTTP API cannot use the files of GeoDNS.Http.Tls: the key in ${files.keyFile} is not that of the certificate in ${files.certFile}`
      )
      writeFileSync(files.certFile, "x".repeat(300_000))
      assert.include(yield* start, "cert.pem is longer than 262144 bytes")
      rmSync(files.certFile)
      assert.include(yield* start, "cert.pem cannot be read (ENOENT)")
    }))
})
