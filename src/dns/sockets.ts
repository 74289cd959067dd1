import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createSocket, type Socket } from "node:dgram"
import { createServer, isIP, isIPv6, type Server } from "node:net"
import { formatListenAddress, type ListenAddress, readListenAddress } from "../domain/ListenAddress.ts"
import type { Transport } from "./decodeQuery.ts"
import { BadListen, CannotListen, DnsError } from "./DnsError.ts"
import { type TcpBounds, TcpConnection } from "./TcpConnection.ts"
import { clientOf, TcpConnections } from "./TcpConnections.ts"

/** Reads `address:port`. */
export const parseEndpoint = (listen: string): Effect.Effect<ListenAddress, DnsError> => {
  const address = readListenAddress(listen)
  return address === undefined
    ? Effect.fail(new DnsError({ reason: new BadListen({ listen }) }))
    : Effect.succeed(address)
}

/** What is done with messages. Both are called from the events of sockets and must not throw. */
export interface Handler {
  readonly answer: (message: Buffer, transport: Transport, remote: string) => Buffer | undefined
  readonly drop: (reason: "unreachable" | "connections") => void
}

interface Sockets {
  readonly udp: Socket
  readonly tcp: Server | undefined
}

const cannotListen = (endpoint: ListenAddress, transport: "UDP" | "TCP", cause: Error) =>
  new DnsError({
    reason: new CannotListen({
      address: formatListenAddress(endpoint),
      transport,
      code: (cause as NodeJS.ErrnoException).code ?? "UNKNOWN"
    })
  })

/** Bytes that the system may hold for us while we are busy; it gives less where `net.core.rmem_max` is lower. */
const receiveBuffer = 4 * 1024 * 1024

/**
 * Connections that the system may hold for us until we take them; it gives less where `net.core.somaxconn` is lower. One
 * more waits a second before it tries again.
 */
const backlog = 4096

const bindUdp = (endpoint: ListenAddress): Effect.Effect<Socket, DnsError> =>
  Effect.callback((resume) => {
    const socket = createSocket({
      type: isIPv6(endpoint.host) ? "udp6" : "udp4",
      recvBufferSize: receiveBuffer,
      // We send to addresses only. The default takes a turn of the event loop for each, to look nothing up.
      lookup: (host, _options, done) => done(null, host, isIP(host))
    })
    socket.once("error", (cause) => {
      socket.close()
      resume(Effect.fail(cannotListen(endpoint, "UDP", cause)))
    })
    socket.bind({ address: endpoint.host, port: endpoint.port }, () => {
      socket.removeAllListeners("error")
      resume(Effect.succeed(socket))
    })
  })

const bindTcp = (endpoint: ListenAddress): Effect.Effect<Server, DnsError> =>
  Effect.callback((resume) => {
    const server = createServer({ allowHalfOpen: true })
    server.once("error", (cause) => resume(Effect.fail(cannotListen(endpoint, "TCP", cause))))
    server.listen({ host: endpoint.host, port: endpoint.port, backlog }, () => {
      server.removeAllListeners("error")
      resume(Effect.succeed(server))
    })
  })

const isTaken = (error: DnsError): boolean => error.reason._tag === "CannotListen" && error.reason.code === "EADDRINUSE"

/** Both on one port. When the system chooses it for UDP, it may be taken for TCP: then it chooses again. */
const bind = (endpoint: ListenAddress, tcp: boolean, tries: number): Effect.Effect<Sockets, DnsError> =>
  Effect.flatMap(
    bindUdp(endpoint),
    (udp) =>
      !tcp ? Effect.succeed({ udp, tcp: undefined }) : bindTcp({ host: endpoint.host, port: udp.address().port }).pipe(
        Effect.map((server): Sockets => ({ udp, tcp: server })),
        Effect.tapError(() => Effect.sync(() => udp.close())),
        Effect.catchIf(
          (error) => endpoint.port === 0 && tries > 1 && isTaken(error),
          () => bind(endpoint, tcp, tries - 1)
        )
      )
  )

/**
 * Listens over UDP and, if wanted, TCP on the same port, until the scope closes: then it takes no more, and gives
 * clients over TCP `bounds.drain` to read the last answers. Succeeds with the port.
 */
export const listen = (options: {
  readonly endpoint: ListenAddress
  readonly tcp: boolean
  readonly bounds: TcpBounds
  readonly handler: Handler
}): Effect.Effect<number, DnsError, Scope.Scope> =>
  Effect.gen(function*() {
    const { bounds, endpoint, handler } = options
    const connections = new TcpConnections<TcpConnection>(bounds.connections, bounds.perClient)
    const { tcp, udp } = yield* Effect.acquireRelease(
      bind(endpoint, options.tcp, 20),
      (sockets) => close(sockets, connections, bounds.drain)
    )
    serveUdp(udp, handler)
    if (tcp !== undefined) serveTcp(tcp, connections, bounds, handler)
    return udp.address().port
  })

const serveUdp = (socket: Socket, handler: Handler): void => {
  // Of a bound socket: a message could not be read or sent. The client asks again.
  socket.on("error", () => handler.drop("unreachable"))
  socket.on("message", (message, sender) => {
    const response = handler.answer(message, "udp", sender.address)
    if (response === undefined) return
    // Port 0 is what forged packets have; sending to it throws.
    if (sender.port === 0) handler.drop("unreachable")
    else socket.send(response, sender.port, sender.address)
  })
}

const serveTcp = (
  server: Server,
  connections: TcpConnections<TcpConnection>,
  bounds: TcpBounds,
  handler: Handler
): void => {
  // Too many open files, and the like: that connection is lost, the next may come.
  server.on("error", () => handler.drop("connections"))
  server.on("connection", (socket) => {
    const remote = socket.remoteAddress ?? ""
    const connection = new TcpConnection(socket, (message) => {
      connections.touch(connection)
      return handler.answer(message, "tcp", remote)
    }, bounds)
    if (connections.add(connection, clientOf(remote)) !== undefined) handler.drop("connections")
    socket.on("close", () => connections.remove(connection))
  })
}

const close = (
  { tcp, udp }: Sockets,
  connections: TcpConnections<TcpConnection>,
  drain: number
): Effect.Effect<void> => {
  const closeUdp = Effect.callback<void>((resume) => void udp.close(() => resume(Effect.void)))
  if (tcp === undefined) return closeUdp
  const closeTcp = Effect.callback<void>((resume) => {
    tcp.close(() => resume(Effect.void))
    for (const connection of connections) connection.end()
    const timer = setTimeout(() => {
      for (const connection of connections) connection.destroy()
    }, drain)
    tcp.once("close", () => clearTimeout(timer))
  })
  return Effect.all([closeUdp, closeTcp], { concurrency: "unbounded", discard: true })
}
