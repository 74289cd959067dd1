import * as Sse from "effect/encoding/Sse"

/** One event in the format of server-sent events. `data` is JSON. */
export const serverSentEvent = (event: string, data: string, id?: number): string =>
  Sse.encoder.write({ _tag: "Event", event, data, id: id === undefined ? undefined : String(id) })
