import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { createSocket } from "node:dgram"
import { decodeQuery } from "../src/dns/decodeQuery.ts"
import { DnsServer } from "../src/dns/DnsServer.ts"
import { encodeResponse, type Reply } from "../src/dns/encodeResponse.ts"
import { documents, networks } from "./dns-world.ts"

/*
 * What is measured, in a process of its own. `node dns-server.ts pipeline` is the whole server; `echo` reads each
 * message and writes a response of the same size with the same codec, and does nothing in between. Both say on which
 * port, and stop when their input ends.
 */

const pipeline = Effect.gen(function*() {
  const { port } = yield* DnsServer
  yield* Console.log(port)
  return yield* Effect.never
}).pipe(
  Effect.provide(DnsServer.layerMemory(documents, networks)),
  Effect.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
)

const reply: Reply = {
  rcode: 0,
  authoritative: true,
  answers: [{ owner: undefined, set: { type: 1, ttl: 30, data: [Uint8Array.of(0, 4, 192, 0, 2, 1)] } }],
  authority: [],
  additional: [],
  scope: 24,
  options: undefined
}

const echo = Effect.callback<never>(() => {
  const socket = createSocket({
    type: "udp4",
    recvBufferSize: 4 * 1024 * 1024,
    lookup: (host, _options, done) => done(null, host, 4)
  })
  socket.on("message", (message, sender) => {
    const decoded = decodeQuery(message)
    if (decoded !== undefined) {
      socket.send(encodeResponse(decoded.query, reply, 1232).bytes, sender.port, sender.address)
    }
  })
  socket.bind(0, "127.0.0.1", () => console.log(socket.address().port))
  return Effect.sync(() => socket.close())
})

process.stdin.resume().on("end", () => process.exit())
Effect.runFork(process.argv[2] === "echo" ? echo : pipeline)
