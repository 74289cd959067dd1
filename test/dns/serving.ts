import { Effect, Layer, Logger, Stream } from "effect"
import { createSocket } from "node:dgram"
import { connect } from "node:net"
import { Config } from "../../src/config/Config.ts"
import type { RawDocuments } from "../../src/config/memoryConfig.ts"
import { AcmeChallenges } from "../../src/dns/AcmeChallenges.ts"
import { AnswerState } from "../../src/dns/AnswerState.ts"
import { DnsServer, type DnsServerOptions } from "../../src/dns/DnsServer.ts"
import { zoneFingerprint } from "../../src/dns/zoneSerial.ts"
import { GeoIp } from "../../src/geo/GeoIp.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import type { Client } from "../../src/steering/Choice.ts"
import { Steering } from "../../src/steering/Steering.ts"
import { type Hit, Usage } from "../../src/usage/Usage.ts"
import { choose, locate, sampleRecords, sampleSerial, sampleServed } from "./samples.ts"

/** A services document with one service, which has a URL on each of the hosts. */
export const servicesOn = (hosts: ReadonlyArray<string>): NonNullable<RawDocuments["services"]> => ({
  rpc: {
    Configuration: { Name: "rpc", ServiceType: "RPC", Active: 1, LevelRequired: 1 },
    Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
    Providers: { one: { RpcUrls: hosts.map((host) => `wss://${host}/`) } }
  }
})

export const sampleDocuments: RawDocuments = { staticDns: sampleRecords, services: servicesOn(sampleServed) }

/** Files that know the serial of the samples. */
export const sampleFiles = Layer.effectDiscard(
  Effect.gen(function*() {
    const files = yield* DurableFiles
    const fingerprint = zoneFingerprint({ records: sampleRecords, zones: {}, served: sampleServed })
    yield* files.write("dns-serial.json", JSON.stringify({ serial: sampleSerial, fingerprint }))
  })
).pipe(Layer.provideMerge(DurableFiles.layerMemory))

/** Steering, places and usage of the samples; what is recorded goes to `hits`. */
export const fakes = (options: {
  readonly hits?: Array<Hit>
  readonly choose?: (name: string, ipv6: boolean, client: Client) => ReturnType<typeof choose>
} = {}) =>
  Layer.mergeAll(
    Layer.effect(
      Steering,
      Effect.map(Config, (config) => {
        const names = new Set(sampleServed)
        const sample = { choose: options.choose ?? choose, explain: () => undefined }
        const snapshots = Stream.concat(
          Stream.fromEffect(config.current),
          Stream.map(config.changes, ({ after }) => after)
        )
        return Steering.of({
          ...sample,
          names: () => names,
          views: Stream.map(snapshots, (snapshot) => ({ ...sample, snapshot, names }))
        })
      })
    ),
    Layer.succeed(
      GeoIp,
      GeoIp.of({ locate, examine: (address) => ({ place: locate(address), leaf: 0, misses: {} }), databases: [] })
    ),
    Layer.succeed(
      Usage,
      Usage.of({
        record: (hit) => void options.hits?.push(hit),
        totals: Effect.succeed([]),
        flush: Effect.succeed(0)
      })
    )
  )

/** Without log lines. */
export const quiet = Logger.layer([])

/** A server on a free port over the samples, and everything it stands on. */
export const sampleServer = (options: DnsServerOptions & Parameters<typeof fakes>[0] = {}) =>
  DnsServer.layerZones({ listen: "127.0.0.1:0", ...options }).pipe(
    Layer.provide(AcmeChallenges.layerMemory()),
    Layer.provide(AnswerState.layer),
    Layer.provideMerge(
      fakes(options).pipe(
        Layer.provideMerge(
          Layer.mergeAll(Config.layerMemory(sampleDocuments), sampleFiles, Conditions.layerMemory, quiet)
        )
      )
    )
  )

/** Sends messages from one socket until one is answered; gives the first answer. */
export const overUdp = (port: number, ...packets: ReadonlyArray<Buffer>): Effect.Effect<Buffer> =>
  Effect.acquireUseRelease(
    Effect.sync(() => createSocket("udp4")),
    (socket) =>
      Effect.callback<Buffer>((resume) => {
        socket.on("message", (message) => resume(Effect.succeed(message)))
        for (const packet of packets) socket.send(packet, port, "127.0.0.1")
      }),
    (socket) => Effect.sync(() => socket.close())
  )

const frame = (packet: Buffer): Buffer => {
  const prefix = Buffer.alloc(2)
  prefix.writeUInt16BE(packet.length)
  return Buffer.concat([prefix, packet])
}

/** All messages that come over one connection until the server closes it. */
export const overTcp = (
  port: number,
  packets: ReadonlyArray<Buffer>,
  options: { readonly chunk?: number; readonly keepOpen?: boolean } = {}
): Effect.Effect<ReadonlyArray<Buffer>> =>
  Effect.acquireUseRelease(
    Effect.sync(() => connect({ port, host: "127.0.0.1", allowHalfOpen: true })),
    (socket) =>
      Effect.callback<ReadonlyArray<Buffer>>((resume) => {
        let received = Buffer.alloc(0)
        socket.on("data", (bytes) => {
          received = Buffer.concat([received, bytes])
        })
        socket.on("error", () => socket.destroy())
        socket.on("close", () => {
          const messages: Array<Buffer> = []
          while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
            messages.push(received.subarray(2, 2 + received.readUInt16BE(0)))
            received = received.subarray(2 + received.readUInt16BE(0))
          }
          resume(Effect.succeed(messages))
        })
        socket.on("end", () => socket.end())
        const bytes = Buffer.concat(packets.map(frame))
        const size = options.chunk ?? bytes.length
        for (let at = 0; at < bytes.length; at += size) socket.write(bytes.subarray(at, at + size))
        if (options.keepOpen !== true) socket.end()
      }),
    (socket) => Effect.sync(() => socket.destroy())
  )
