import type { LogEvent } from "../../http/LogEvent.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"
import { documentTime } from "./span.ts"
import { familyText, votesText, whatText } from "./targetText.ts"

const ordered = (up: boolean) => up ? "online" : "offline"

const what = (event: LogEvent, paint: Paint): readonly [string, string] => {
  switch (event._tag) {
    case "Proposed":
      return [
        paint.dim("proposed"),
        `${ordered(event.up)}  ${event.target.member}  ${whatText(event.target)}  ${
          familyText(event.target)
        }, by ${event.by}${event.error === "" ? "" : `: ${event.error}`}`
      ]
    case "Voted":
      return [
        paint.dim("voted   "),
        `${event.agree ? "yes" : "no"}  ${
          event.target === undefined
            ? `on ${event.proposal}`
            : `${event.target.member}  ${whatText(event.target)}  ${familyText(event.target)}`
        }, by ${event.by}`
      ]
    case "Decided":
      return [
        event.up ? paint.good("online  ") : paint.bad("offline "),
        `${event.target.member}  ${whatText(event.target)}  ${familyText(event.target)}${
          event.error === "" ? "" : `: ${event.error}`
        }  [${votesText(event.votes) || "no votes known"}${event.by === "" ? "" : `; by ${event.by}`}]`
      ]
    case "Rejected":
      return [
        paint.bold("rejected"),
        `${ordered(event.up)}  ${event.target.member}  ${whatText(event.target)}  ${familyText(event.target)}  [${
          votesText(event.votes) || "no votes"
        }]`
      ]
    case "Override": {
      const { author, kind, member, node, reason, until } = event.override
      return [
        event.change === "ended" ? paint.good(`${kind}`) : paint.bad(`${kind}`),
        `${event.change}  ${member}: ${reason}${
          event.change === "ended" || until === undefined ? "" : `, until ${documentTime(until)}`
        }  [${author} at ${node}]`
      ]
    }
  }
}

/** One event of the log as one line. */
export const logLine = (event: LogEvent, paint: Paint): string => {
  const [kind, text] = what(event, paint)
  return `${paint.dim(documentTime(event.at))}  ${kind}  ${plain(text)}`
}
