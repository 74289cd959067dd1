import dnsPacket from "dns-packet"
import * as Effect from "effect/Effect"
import { createSocket } from "node:dgram"
import { parentPort } from "node:worker_threads"
import { answering, ethereum, rpcServer, substrate, webSocketServer } from "../test/monitor/probes/peers.ts"
import { httpServer, tcpServer, tlsServer } from "../test/monitor/servers.ts"

/** Peers of all probes, in a thread of their own: what they cost is not what probes cost. Tells their ports. */
const udp = createSocket("udp4")
udp.on("message", (message, from) => {
  const { id, questions } = dnsPacket.decode(message)
  const [question] = questions!
  const answers = [{ type: "A", name: question!.name, data: "192.0.2.1" }] as const
  udp.send(
    dnsPacket.encode({ type: "response", id, questions: questions!, answers: [...answers] }),
    from.port,
    from.address
  )
})
udp.bind(0, "127.0.1.7", () =>
  Effect.runFork(Effect.scoped(Effect.gen(function*() {
    const web = yield* httpServer((_, response) => void response.end("fine"))
    const tls = yield* tlsServer("valid")
    const line = yield* webSocketServer(answering(substrate))
    const secureLine = yield* webSocketServer(answering(substrate), { tls: "valid" })
    const rpc = yield* rpcServer(ethereum)
    const tcp = yield* tcpServer(() => undefined)
    parentPort!.postMessage({
      http: web.port,
      https: tls.port,
      ssl: tls.port,
      wss: line.port,
      "wss with TLS": secureLine.port,
      ethrpc: rpc.port,
      tcp: tcp.port,
      dns: udp.address().port
    })
    return yield* Effect.never
  }))))
