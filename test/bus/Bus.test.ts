import { Context, Effect, Layer } from "effect"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { BusClients, busConformance } from "./Bus.conformance.ts"

const memory = Layer.effect(
  BusClients,
  Effect.gen(function*() {
    const broker = yield* MemoryBroker
    return BusClients.of({
      connect: (name) =>
        Layer.build(Bus.layerMemory({ name })).pipe(
          Effect.map((context) => Context.get(context, Bus)),
          Effect.provideService(MemoryBroker, broker)
        ),
      disconnect: broker.disconnect,
      reconnect: broker.reconnect
    })
  })
).pipe(Layer.provide(MemoryBroker.layer))

busConformance("memory", memory)
