import * as Effect from "effect/Effect"
import type { Bus } from "./Bus.ts"
import { BusError, Disconnected, TooLong } from "./BusError.ts"
import { gatherAnswers } from "./gatherAnswers.ts"
import type { MemoryClient } from "./MemoryBroker.ts"
import { bytesOver, maxMessageBytes } from "./MessageSize.ts"
import { inboxPrefix } from "./replies.ts"

/** The bus as one client of the memory broker sees it. */
export const makeMemoryBus = (client: MemoryClient): Bus["Service"] => {
  let asked = 0

  const send = (
    operation: BusError["operation"],
    subject: string,
    data: string,
    reply: string | undefined
  ): Effect.Effect<void, BusError> => {
    const bytes = bytesOver(data, maxMessageBytes)
    return bytes !== undefined
      ? Effect.fail(
        new BusError({ operation, subject, reason: new TooLong({ bytes, limit: maxMessageBytes }) })
      )
      : Effect.flatMap(
        client.publish(subject, data, reply),
        (sent) => sent ? Effect.void : Effect.fail(new BusError({ operation, subject, reason: new Disconnected() }))
      )
  }

  const askAll: Bus["Service"]["askAll"] = Effect.fn("Bus.askAll")(function*(subject, data, options) {
    const inbox = `${inboxPrefix}${client.id}.${++asked}`
    const answers = yield* client.subscribe(inbox)
    yield* send("askAll", subject, data, inbox)
    return yield* gatherAnswers(answers, options)
  }, Effect.scoped)

  return {
    publish: (subject, data, reply) => send("publish", subject, data, reply),
    subscribe: client.subscribe,
    askAll,
    connected: client.connected,
    problem: Effect.map(client.connected, (connected) => connected ? undefined : "cut off by a fault of the broker"),
    connection: client.connection
  }
}
