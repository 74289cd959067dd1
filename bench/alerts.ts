import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { AlertChannels, type Channel } from "../src/alerts/AlertChannel.ts"
import { AlertContext } from "../src/alerts/AlertContext.ts"
import type { AlertMessage } from "../src/alerts/AlertMessage.ts"
import { Alerts } from "../src/alerts/Alerts.ts"
import { documentContext } from "../src/alerts/documentContext.ts"
import { Config } from "../src/config/Config.ts"
import type { OutageEvent } from "../src/domain/Outage.ts"
import { Conditions } from "../src/node/Conditions.ts"
import { NodeIdentity } from "../src/node/NodeIdentity.ts"
import { OutageLog } from "../src/status/OutageLog.ts"
import { Overrides } from "../src/status/Overrides.ts"
import { OutageStore } from "../src/store/OutageStore.ts"
import * as Store from "../src/store/Store.ts"
import { atLeast, atMost, type Benchmark } from "./measure.ts"

const start = Date.parse("2026-03-01T00:00:00Z")

/** Members all over the globe, far from each other, each with many endpoints. */
const memberOf = (i: number) => `Member ${i}`
const documents = (members: number) => ({
  members: Object.fromEntries(Array.from({ length: members }, (_, i) => [`m${i}`, {
    Details: { Name: memberOf(i) },
    Membership: { MemberLevel: 1 },
    Service: { Active: 1, ServiceIPv4: `192.0.2.${i}` },
    ServiceAssignments: {},
    Location: { Latitude: -80 + i * 160 / members, Longitude: i * 50 % 360 - 180 }
  }]))
})

/** 1,000 outages of 25 members within a minute, and their ends: what people get, and how much work it is. */
const storm = (count: number, members: number, grouped: boolean) =>
  Effect.gen(function*() {
    yield* TestClock.setTime(start)
    const told: Array<AlertMessage> = []
    const channel: Channel = {
      name: "bench",
      deliver: (message) => Effect.sync(() => void told.push(message))
    }
    const events = yield* PubSub.unbounded<OutageEvent>()
    const log = OutageLog.of({
      open: Effect.succeed([]),
      subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
    })
    yield* Effect.gen(function*() {
      const alerts = yield* Alerts
      yield* TestClock.adjust(1)
      const outages = yield* OutageStore
      const all = Array.from({ length: count }, (_, i) => ({
        id: `o${i}`,
        target: {
          checkType: "endpoint" as const,
          check: "wss",
          member: memberOf(i % members),
          domain: "rpc.example",
          endpoint: `wss://rpc.example/${i}`,
          ipv6: false
        },
        start: start + Math.floor(i * 60_000 / count),
        end: undefined,
        error: "connection refused",
        data: null,
        votes: { a: true, b: true },
        blip: false
      }))
      for (const outage of all) {
        const now = yield* Clock.currentTimeMillis
        yield* TestClock.adjust(Math.max(0, outage.start - now))
        yield* outages.open(outage)
        yield* PubSub.publish(events, { _tag: "Opened", outage })
      }
      for (let i = 0; i < 60; i++) yield* TestClock.adjust("1 second")
      for (const outage of all) {
        const end = start + 600_000
        yield* outages.close(outage.id, end, false)
        yield* PubSub.publish(events, { _tag: "Closed", outage: { ...outage, end } })
      }
      for (let i = 0; i < 600 && (yield* alerts.threads).length > 0; i++) yield* TestClock.adjust("1 second")
    }).pipe(
      Effect.provide(
        Alerts.layer.pipe(
          Layer.provideMerge(Layer.mergeAll(
            Layer.succeed(OutageLog, log),
            Layer.succeed(AlertChannels, [channel]),
            Overrides.layerNone,
            Conditions.layer,
            NodeIdentity.layerMemory({ id: "bench", role: "IBPCollator" }),
            Store.layerMemory,
            grouped
              ? documentContext.pipe(Layer.provide(Config.layerMemory(documents(members) as never)))
              : Layer.succeed(AlertContext, { severity: () => "warning", belongs: () => false })
          ))
        )
      )
    )
    return told
  }).pipe(Effect.scoped, Effect.provide([TestClock.layer(), Logger.layer([])]))

/** 1,000 outages in one minute. */
export const run: Benchmark = async ({ smoke }) => {
  const [count, members] = smoke ? [100, 5] : [1_000, 25]
  const began = performance.now()
  const told = await Effect.runPromise(storm(count, members, true))
  const took = performance.now() - began
  const single = await Effect.runPromise(storm(count, members, false))
  const of = (kind: AlertMessage["kind"]) => told.filter((message) => message.kind === kind).length
  const listed = new Set(told.flatMap(({ outages }) => outages.map(({ id }) => id))).size
  return [
    atMost(`alerts: ${count} outages, ungrouped messages`, single.length, "messages", 2 * count),
    atMost("alerts: messages that call people", of("opened"), "messages", members),
    atMost("alerts: edits while it lasts", of("updated"), "messages", 12 * members),
    atMost("alerts: messages when it is over", of("resolved"), "messages", members),
    atLeast("alerts: outages that are told", listed, "outages", count),
    atMost("alerts: time for all of it", took, "ms", 20_000)
  ]
}
