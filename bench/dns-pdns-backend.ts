import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { createServer } from "node:net"
import { DnsServer } from "../src/dns/DnsServer.ts"
import { PdnsBackend } from "../src/dns/pdns/PdnsBackend.ts"
import { documents, networks } from "./dns-world.ts"

/*
 * What PowerDNS asks, in a process of its own. `node dns-pdns-backend.ts geodns PATH` is ours, over everything in memory;
 * `constant` answers every look-up with the same records, and looks at nothing but which kind of answer is due. Both print
 * a line when they are ready, and stop when their input ends.
 */

const [, , mode, path = ""] = process.argv

const geodns = Effect.gen(function*() {
  yield* PdnsBackend
  yield* Console.log("ready")
  return yield* Effect.never
}).pipe(
  Effect.provide(
    PdnsBackend.layer.pipe(
      Layer.provide(
        DnsServer.layerMemory({ ...documents, local: { GeoDNS: { Dns: { PowerDnsSocket: path } } } }, networks)
      )
    )
  ),
  Effect.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
)

const zone =
  '{"id":1,"zone":"bench.example.","masters":[],"notified_serial":1,"serial":1,"last_check":0,"kind":"native"}'

/** The same fields, and as many records, as the answers of ours. */
const record = (qname: string, type: string, content: string, scope: number): string =>
  `{"qtype":"${type}","qname":${qname},"content":"${content}","ttl":30,"domain_id":1,"auth":1,"scopeMask":${scope}}`

const constantAnswer = (request: string): string => {
  if (request.includes('"initialize"')) return '{"result":true}\n'
  if (request.includes('"getAllDomains"')) return `{"result":[${zone}]}\n`
  if (!request.includes('"lookup"')) return '{"result":false}\n'
  const qname = /"qname": ?("[^"]*")/.exec(request)?.[1] ?? '""'
  if (request.includes('"SOA"')) {
    const soa = "ns1.bench.example hostmaster.bench.example 1 3600 600 604800 60"
    return `{"result":[${record(qname, "SOA", soa, 0)}]}\n`
  }
  if (!request.includes('"ANY"')) return '{"result":[]}\n'
  return `{"result":[${record(qname, "A", "198.51.100.1", 22)},${record(qname, "AAAA", "2001:db8:0:0:0:0:0:1", 22)}]}\n`
}

const constant = Effect.callback<never>(() => {
  const server = createServer((socket) => {
    let text = ""
    socket.setEncoding("latin1").on("error", () => socket.destroy())
    socket.on("data", (part: string) => {
      text += part
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        socket.write(constantAnswer(text.slice(0, end)))
        text = text.slice(end + 1)
      }
    })
  })
  server.listen(path, () => console.log("ready"))
  return Effect.sync(() => server.close())
})

process.stdin.resume().on("end", () => process.exit())
Effect.runFork(mode === "constant" ? constant : geodns)
