import { Effect, Layer } from "effect"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { BusClients, busConformance } from "./Bus.conformance.ts"
import { natsBus, until } from "./natsClients.ts"
import { startProxy, type TcpProxy } from "./TcpProxy.ts"

/** Clients of one server, each by a way of its own. */
const clients = Layer.effect(
  BusClients,
  Effect.gen(function*() {
    const server = yield* natsServer()
    const ways = new Map<string, TcpProxy>()
    const buses = new Map<string, Effect.Success<ReturnType<typeof natsBus>>>()
    const change = (name: string, connected: boolean) =>
      Effect.suspend(() => {
        const [way, bus] = [ways.get(name)!, buses.get(name)!]
        if (connected) way.restore()
        else way.cut()
        return until(bus, connected)
      })
    return BusClients.of({
      connect: Effect.fnUntraced(function*(name: string) {
        const way = yield* Effect.acquireRelease(
          Effect.promise(() => startProxy(server.port)),
          (way) => Effect.promise(way.dispose)
        )
        const bus = yield* natsBus({ servers: [`127.0.0.1:${way.port}`], name })
        ways.set(name, way)
        buses.set(name, bus)
        yield* until(bus, true)
        return bus
      }),
      disconnect: (name) => change(name, false),
      reconnect: (name) => change(name, true)
    })
  })
)

describeWith(nats, "Bus on NATS", () => busConformance("NATS", clients))
