import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import { copyFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, get, type IncomingMessage } from "node:http"
import { request as secureRequest } from "node:https"
import { join, resolve } from "node:path"
import { Config, setDocuments } from "../../src/config/index.ts"
import { Consensus } from "../../src/consensus/Consensus.ts"
import * as StatusApi from "../../src/http/StatusApi.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { Place, placeOf } from "../../src/roles/Place.ts"
import { MoveAgainAfter, servers } from "../../src/roles/servers.ts"
import { eventually, temporaryFolder } from "../cli/geodns.ts"
import { ownAddress } from "../cli/operator.ts"
import * as Fakes from "../http/fakes.ts"

const certificates = resolve(import.meta.dirname, "../fixtures/tls")

/** What a node listens on: APIs with their addresses, and the files of its certificate. */
const document = (options: {
  readonly monitor: readonly [host: string, port: number]
  readonly management?: readonly [host: string, port: number]
  readonly tls?: { readonly CertFile: string; readonly KeyFile: string }
}) => ({
  MonitorApi: { ListenAddress: options.monitor[0], ListenPort: String(options.monitor[1]) },
  ...options.management !== undefined
    && { MgmtApi: { ListenAddress: options.management[0], ListenPort: String(options.management[1]) } },
  GeoDNS: { Public: ["/api"], Http: { ...options.tls !== undefined && { Tls: options.tls } } }
})

/** The servers of a node whose local document says this. */
const node = (local: ReturnType<typeof document>, folder: string) =>
  servers(["MonitorApi", "MgmtApi"], StatusApi.layer).pipe(
    Layer.provide(Layer.mergeAll(
      Fakes.identity,
      Fakes.membership([], []),
      Fakes.officialStatus([]),
      Layer.mock(Consensus, {
        proposals: Effect.succeed([]),
        subscribe: Effect.succeed(Stream.never),
        state: Effect.succeed({ mode: "open" as const, epoch: undefined, votes: false, electorate: new Set<string>() })
      })
    )),
    Layer.provideMerge(Layer.unwrap(Effect.map(
      Config.use((config) => config.current),
      ({ local }) => Layer.succeed(Place, placeOf(join(folder, "local.json"), local))
    ))),
    Layer.provideMerge(Conditions.layer),
    Layer.provideMerge(Config.layerMemory({ local }))
  )

const reload = (local: ReturnType<typeof document>) =>
  Effect.andThen(setDocuments({ local }), Config.use((config) => config.reload))

const httpCondition = Conditions.use(({ current }) =>
  Effect.map(current, (all) => all.find(({ name }) => name === "http")?.detail)
)

const waitForCondition = eventually(
  "the condition http is raised",
  Effect.map(httpCondition, Option.fromUndefinedOr)
)

const waitUntilWell = eventually(
  "the condition http is cleared",
  Effect.map(httpCondition, (detail) => detail === undefined ? Option.some(true) : Option.none())
)

/** The status of an answer; undefined where nothing listens. */
const ask = (host: string, port: number) =>
  Effect.callback<number | undefined>((resume) => {
    const asked = get({ host, port, path: "/api/status", agent: false }, (response) => {
      response.resume().on("end", () => resume(Effect.succeed(response.statusCode)))
    })
    asked.on("error", () => resume(Effect.succeed(undefined)))
  })

const askSecurely = (host: string, port: number) =>
  Effect.callback<number | undefined>((resume) => {
    const options = { host, port, path: "/api/status", agent: false, rejectUnauthorized: false }
    const asked = secureRequest(options, (response) => {
      response.resume().on("end", () => resume(Effect.succeed(response.statusCode)))
    })
    asked.on("error", () => resume(Effect.succeed(undefined))).end()
  })

/** Somebody who looks at the live status page: the connection has to stay. */
const watcher = (host: string, port: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<IncomingMessage>((resume) => {
        get({ host, port, path: "/api/status/events", agent: false }, (response) => {
          resume(Effect.succeed(response.on("error", () => undefined)))
          response.resume()
        })
      }),
      (response) => Effect.sync(() => response.destroy())
    ),
    (response) => ({ isConnected: () => !response.closed })
  )

/** Another process that has the address, until the effect is run. */
const occupy = (host: string, port: number) =>
  Effect.acquireRelease(
    Effect.callback<Effect.Effect<void>>((resume) => {
      const server = createServer().listen(port, host, () =>
        resume(Effect.succeed(Effect.callback<void>((done) => {
          server.close(() => done(Effect.void))
        }))))
    }),
    (free) => free
  )

describe("the servers of a role", () => {
  it.live("stay where they were while an address is taken, and go over when the document is good again", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [host, other] = [ownAddress(), ownAddress()]
      yield* Effect.gen(function*() {
        const page = yield* watcher(host, 6100)
        yield* occupy(other, 6100)
        yield* reload(document({ monitor: [other, 6100] }))
        const detail = yield* waitForCondition
        assert.strictEqual(
          detail,
          `the HTTP API stays where it was: The HTTP API cannot listen on ${other}:6100 (EADDRINUSE): another process `
            + "listens there already; stop it or choose another port"
        )
        assert.strictEqual(yield* ask(host, 6100), 200)
        assert.isTrue(page.isConnected(), "nobody was cut off for it")

        yield* reload(document({ monitor: [other, 6101] }))
        yield* waitUntilWell
        assert.deepStrictEqual([yield* ask(other, 6101), yield* ask(host, 6100)], [200, undefined])
        assert.isFalse(page.isConnected())
      }).pipe(Effect.provide(node(document({ monitor: [host, 6100] }), folder)))
    }).pipe(Effect.scoped))

  it.live("try again by themselves: an address that was taken becomes free", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [host, other] = [ownAddress(), ownAddress()]
      yield* Effect.gen(function*() {
        const free = yield* occupy(other, 6100)
        yield* reload(document({ monitor: [other, 6100] }))
        yield* waitForCondition
        yield* free
        yield* waitUntilWell
        assert.deepStrictEqual([yield* ask(other, 6100), yield* ask(host, 6100)], [200, undefined])
      }).pipe(Effect.provide(node(document({ monitor: [host, 6100] }), folder)))
    }).pipe(Effect.scoped, Effect.provideService(MoveAgainAfter, "100 millis")))

  it.live("stay as they were while the files of the certificate cannot be used", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const host = ownAddress()
      const tls = { CertFile: "cert.pem", KeyFile: "key.pem" }
      const secure = document({ monitor: [host, 6100], tls })
      yield* Effect.gen(function*() {
        const page = yield* watcher(host, 6100)
        yield* reload(secure)
        assert.match(yield* waitForCondition, /stays where it was: .*cert\.pem cannot be read \(ENOENT\)/)
        writeFileSync(join(folder, "cert.pem"), "no certificate")
        writeFileSync(join(folder, "key.pem"), "no key")
        yield* reload({ ...secure, GeoDNS: { ...secure.GeoDNS, Public: ["/api", "/live"] } })
        yield* eventually(
          "it says what is wrong now",
          Effect.map(httpCondition, (detail) =>
            detail?.includes("cert.pem is no certificate in PEM form") ? Option.some(true) : Option.none())
        )
        assert.strictEqual(yield* ask(host, 6100), 200)
        assert.isTrue(page.isConnected(), "nobody was cut off for it")

        copyFileSync(join(certificates, "valid.pem"), join(folder, "cert.pem"))
        copyFileSync(join(certificates, "valid.key"), join(folder, "key.pem"))
        yield* waitUntilWell
        assert.strictEqual(yield* askSecurely(host, 6100), 200)

        rmSync(join(folder, "cert.pem"))
        yield* reload(document({ monitor: [host, 6100] }))
        yield* eventually(
          "it speaks plainly again",
          Effect.map(ask(host, 6100), (status) =>
            status === 200 ? Option.some(true) : Option.none())
        )
      }).pipe(Effect.provide(node(document({ monitor: [host, 6100] }), folder)))
    }).pipe(Effect.scoped, Effect.provideService(MoveAgainAfter, "100 millis")))

  it.live("move one and leave the other alone; one that comes on the same port gets it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [host, management] = [ownAddress(), ownAddress()]
      yield* Effect.gen(function*() {
        const page = yield* watcher(host, 6100)
        // One of two that cannot be had: neither moves.
        yield* occupy(management, 6300)
        yield* reload(document({ monitor: [host, 6101], management: [management, 6300] }))
        yield* waitForCondition
        assert.deepStrictEqual(
          [yield* ask(host, 6100), yield* ask(management, 6200), yield* ask(host, 6101)],
          [200, 200, undefined]
        )
        yield* reload(document({ monitor: [host, 6100], management: [management, 6201] }))
        yield* waitUntilWell
        assert.strictEqual(yield* ask(management, 6201), 200)
        assert.isTrue(page.isConnected(), "that server was not meant")

        // Both on one address now, which is the one that the first has.
        yield* reload(document({ monitor: [host, 6100], management: [host, 6100] }))
        yield* eventually(
          "the second has gone",
          Effect.map(ask(management, 6201), (status) => status === undefined ? Option.some(true) : Option.none())
        )
        assert.strictEqual(yield* ask(host, 6100), 200)
        assert.isUndefined(yield* httpCondition)
      }).pipe(
        Effect.provide(node(document({ monitor: [host, 6100], management: [management, 6200] }), folder))
      )
    }).pipe(Effect.scoped))
})
