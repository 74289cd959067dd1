import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { chmodSync } from "node:fs"
import { lstat, unlink } from "node:fs/promises"
import { connect, createServer, type Server } from "node:net"
import * as FileLock from "../../node/FileLock.ts"
import type { PdnsBounds } from "./bounds.ts"
import type { HandlePdns } from "./handler.ts"
import { LineConnection } from "./LineConnection.ts"
import { CannotServe, NoSocket, PdnsError, SocketInUse } from "./PdnsError.ts"
import type { PdnsTally } from "./PdnsTally.ts"

/** Owner and group, who may ask everything; nobody else. */
const mode = 0o660

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)

const cannot = (path: string, cause: unknown): PdnsError =>
  new PdnsError({ reason: new CannotServe({ where: path, code: codeOf(cause) }) })

/** Whether anybody accepts connections there, or why that cannot be told. */
const isAlive = (path: string): Effect.Effect<boolean, PdnsError> =>
  Effect.callback((resume) => {
    const socket = connect(path)
    socket.once("connect", () => resume(Effect.succeed(true)))
    socket.once("error", (cause) => {
      const code = codeOf(cause)
      // EAGAIN: it lives, and has no time.
      if (code === "EAGAIN") return resume(Effect.succeed(true))
      resume(code === "ECONNREFUSED" || code === "ENOENT" ? Effect.succeed(false) : Effect.fail(cannot(path, cause)))
    })
    return Effect.sync(() => socket.destroy())
  })

/**
 * Makes room for a socket. The lock keeps two of us from taking it at once, and is the kernel's: it ends with kill -9, too.
 * Then a socket that is there is what somebody left behind, unless a program that knows of no lock answers on it.
 */
const makeRoom = Effect.fnUntraced(function*(path: string) {
  yield* FileLock.acquire(`${path}.lock`, "backend of PowerDNS").pipe(
    Effect.mapError(({ reason }) =>
      reason._tag === "Held"
        ? new PdnsError({ reason: new SocketInUse({ path, holder: reason.holder }) })
        : new PdnsError({ reason: new CannotServe({ where: path, code: lockCode(reason.problem) }) })
    )
  )
  const there = yield* Effect.tryPromise({ try: () => lstat(path), catch: (cause) => cause }).pipe(
    Effect.catch((cause) => codeOf(cause) === "ENOENT" ? Effect.undefined : Effect.fail(cannot(path, cause)))
  )
  if (there === undefined) return
  if (!there.isSocket()) return yield* new PdnsError({ reason: new NoSocket({ path }) })
  if (yield* isAlive(path)) {
    return yield* new PdnsError({ reason: new SocketInUse({ path, holder: "another program" }) })
  }
  yield* Effect.tryPromise({ try: () => unlink(path), catch: (cause) => cannot(path, cause) })
  yield* Effect.logInfo("A socket for PowerDNS was left behind and is replaced").pipe(Effect.annotateLogs({ path }))
})

/** What the lock says of the directory, as the system would say it of the socket. */
const lockCode = (problem: string): string => /\b(E[A-Z]{3,})\b/.exec(problem)?.[1] ?? problem

const bind = (path: string): Effect.Effect<Server, PdnsError> =>
  Effect.callback((resume) => {
    const server = createServer({ allowHalfOpen: true })
    server.once("error", (cause) => resume(Effect.fail(cannot(path, cause))))
    server.listen(path, () => {
      server.removeAllListeners("error")
      try {
        chmodSync(path, mode)
        resume(Effect.succeed(server))
      } catch (cause) {
        server.close()
        resume(Effect.fail(cannot(path, cause)))
      }
    })
  })

/**
 * Answers on a Unix socket until the scope closes, with newline-delimited JSON. Its file is readable and writable for owner
 * and group alone; it goes with the scope, and one that was left behind is replaced. A second one on the same path fails.
 */
export const serveUnixSocket = (options: {
  readonly path: string
  readonly handle: HandlePdns
  readonly bounds: PdnsBounds
  readonly tally: PdnsTally
}): Effect.Effect<void, PdnsError, Scope.Scope> =>
  Effect.gen(function*() {
    const { bounds, handle, path, tally } = options
    const connections = new Set<LineConnection>()
    yield* makeRoom(path)
    const server = yield* Effect.acquireRelease(bind(path), (server) => close(server, connections, bounds.drain))
    server.maxConnections = bounds.connections
    server.on("drop", () => tally.dropped("connections"))
    // Too many open files, and the like: that connection is lost, the next may come.
    server.on("error", () => tally.dropped("connections"))
    server.on("connection", (socket) => {
      const connection = new LineConnection(socket, handle, bounds, (reason) => tally.dropped(reason))
      connections.add(connection)
      tally.opened()
      socket.on("close", () => {
        connections.delete(connection)
        tally.closed()
      })
    })
  })

const close = (server: Server, connections: ReadonlySet<LineConnection>, drain: number) =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    for (const connection of connections) connection.end()
    const timer = setTimeout(() => connections.forEach((connection) => connection.destroy()), drain)
    server.once("close", () => clearTimeout(timer))
  })
