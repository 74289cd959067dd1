import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type { Snapshot } from "../config/Snapshot.ts"
import type { Channel } from "./AlertChannel.ts"
import { AlertError } from "./AlertError.ts"
import { membersOf } from "./AlertText.ts"
import type { MatrixClient } from "./MatrixClient.ts"
import { editContent, newContent, replyContent } from "./matrixMessage.ts"
import { mentionsOf } from "./mentions.ts"

/** The rooms of the alerts document. */
export type MatrixRoom = "room" | "internal_room"

/** What is remembered of a message: where it is, and who was called. */
const Receipt = Schema.fromJsonString(Schema.Struct({
  room: Schema.String,
  event: Schema.String,
  called: Schema.Array(Schema.String)
}))
const decodeReceipt = Schema.decodeResult(Receipt)

/** The room as the documents say now; `""` for none. */
const roomOf = (snapshot: Snapshot, which: MatrixRoom): string => {
  const { [which]: room } = snapshot.alerts.matrix
  return room === "" && which === "room" ? snapshot.local.Matrix.RoomID : room
}

/** The same on every try and after every restart, so that the server takes a repeat for the same message. */
const transactionOf = (...parts: ReadonlyArray<string>): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32)

const noRoom = new AlertError({
  channel: "matrix",
  problem: "no room: give matrix.room of the alerts document, or Matrix.RoomID",
  isRetryable: true,
  isDown: true
})

/**
 * One message per thread in one room, edited when there is news and when it is over. People are called once. Where there is
 * no internal room it tells nothing. Without any room alerts wait for one.
 */
export const matrixChannel = (
  client: MatrixClient,
  which: MatrixRoom,
  current: Effect.Effect<Snapshot>
): Channel => ({
  name: which === "room" ? "matrix" : "matrix:internal",
  ...which === "internal_room" && { isSet: Effect.map(current, (snapshot) => roomOf(snapshot, which) !== "") },
  release: client.release,
  deliver: Effect.fnUntraced(function*(message) {
    const snapshot = yield* current
    const room = roomOf(snapshot, which)
    if (room === "") {
      const isNeeded = which === "room" && (message.isTest === true || roomOf(snapshot, "internal_room") === "")
      return yield* isNeeded ? Effect.fail(noRoom) : Effect.void
    }
    const key = message.idempotencyKey
    const named = mentionsOf(snapshot.alerts, snapshot.catalog, membersOf(message.outages))
    const before = message.receipt === undefined ? undefined : Result.getOrUndefined(decodeReceipt(message.receipt))
    const receiptOf = (event: string, called: ReadonlyArray<string>) => JSON.stringify({ room, event, called })
    // The message of a room that is not used any more cannot become one of this.
    if (before === undefined || before.room !== room) {
      // Nobody is called for what is over.
      const calling = message.kind === "resolved" ? [] : named
      const event = yield* client.send(room, transactionOf(room, key), newContent(message, named, calling))
      return receiptOf(event, calling)
    }
    const calling = message.kind === "resolved" ? [] : named.filter((id) => !before.called.includes(id))
    const receipt = receiptOf(before.event, [...before.called, ...calling])
    const edit = client.send(room, transactionOf(room, key), editContent(message, before.event, named, calling))
    return yield* edit.pipe(
      Effect.as(receipt),
      Effect.catch((error) =>
        error.isRetryable
          ? Effect.fail(error)
          : Effect.as(
            client.send(room, transactionOf(room, key, "reply"), replyContent(message, before.event)),
            receipt
          )
      )
    )
  })
})
