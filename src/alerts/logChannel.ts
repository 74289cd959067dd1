import * as Effect from "effect/Effect"
import type { Channel } from "./AlertChannel.ts"
import { alertText } from "./AlertText.ts"

/** A readable line per message in the log of this process. */
export const logChannel: Channel = {
  name: "log",
  deliver: (message) => {
    const line = alertText(message)
    return (message.kind === "resolved" ? Effect.logInfo(line) : Effect.logWarning(line)).pipe(
      Effect.annotateLogs({ outage: message.outage.id, severity: message.severity })
    )
  }
}
