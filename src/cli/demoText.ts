import { demoName } from "../demo/documents.ts"
import type { FailoverStep, Seen } from "../demo/failover.ts"
import type { DemoAddresses } from "../demo/LiveWorld.ts"
import { demoMembers } from "../demo/places.ts"
import type { Paint } from "./explanationText.ts"

/** What runs, and what to try. */
export const introText = (addresses: DemoAddresses["Service"], paint: Paint): string => {
  const { dns, http, monitors } = addresses
  const server = dns.port === 5300 ? "" : ` --server ${dns.host}:${dns.port}`
  const node = http === "http://127.0.0.1:6100/" ? "" : ` --node ${http}`
  return [
    paint.bold("A whole GeoDNS network in one process"),
    "",
    `  members    ${
      demoMembers.map(({ address, city, name }) => `${name}, ${city} (${address})`).join("\n             ")
    }`,
    `  monitors   ${monitors.join(", ")}`,
    `  DNS        ${dns.host}:${dns.port}, UDP and TCP`,
    `  status     ${http}`,
    `  files      ${addresses.directory} (removed at the end)`,
    "",
    "Try in another terminal:",
    "",
    `  dig @${dns.host} -p ${dns.port} ${demoName} +subnet=203.0.113.0/24`,
    `  npx geodns dig ${demoName} --subnet 203.0.113.0/24${server}`,
    `  npx geodns explain ${demoName} --client 203.0.113.7${node}`,
    ""
  ].join("\n")
}

/** The steps by who acts: what people look for first in a line. */
const subjects: Readonly<Record<FailoverStep, string>> = {
  "answer-before": "answer",
  "endpoint-fails": "member",
  "failure-observed": "observation",
  "offline-proposed": "proposal",
  "offline-voted": "vote",
  "offline-decided": "decision",
  "answer-changed": "answer",
  "outage-stored": "store",
  "alert-opened": "alert",
  "endpoint-recovers": "member",
  "recovery-observed": "observation",
  "online-proposed": "proposal",
  "online-voted": "vote",
  "online-decided": "decision",
  "answer-returned": "answer",
  "outage-closed": "store",
  "alert-resolved": "alert",
  "usage-stored": "usage"
}

const painted = (step: FailoverStep, text: string, paint: Paint): string => {
  switch (step) {
    case "endpoint-fails":
    case "offline-decided":
    case "alert-opened":
      return paint.bad(text)
    case "endpoint-recovers":
    case "online-decided":
    case "alert-resolved":
      return paint.good(text)
    default:
      return text
  }
}

/** One step of the story with its time. */
export const storyLine = (seen: Seen, began: number, paint: Paint): string =>
  [
    paint.dim(new Date(seen.at).toISOString().slice(11, 23)),
    paint.dim(`+${((seen.at - began) / 1000).toFixed(1)} s`.padStart(8)),
    paint.bold(subjects[seen.step].padEnd(11)),
    painted(seen.step, seen.what, paint)
  ].join("  ")
