import type { Target } from "../../../src/domain/Target.ts"
import type { Incident, Plan } from "../plan/Plan.ts"

/** What happened in a run, line by line, for people. It costs time, so only failing seeds are told. */
export class Story {
  readonly lines: Array<string> = []
  readonly #isTold: boolean

  constructor(isTold: boolean) {
    this.#isTold = isTold
  }

  /** `text` is called only when the story is told. */
  tell(at: number, who: string, text: () => string): void {
    if (this.#isTold) this.lines.push(`${seconds(at).padStart(9)}  ${who.padEnd(9)} ${text()}`)
  }
}

export const seconds = (millis: number): string => (millis / 1_000).toFixed(3)

export const statusText = (up: boolean | undefined): string => up === undefined ? "undecided" : up ? "up" : "down"

/** A target in a word. */
export const nameOf = (target: Target): string => target.ipv6 ? `${target.member}/IPv6` : target.member

/** An incident in a line. */
export const describeIncident = (incident: Incident): string => {
  switch (incident.kind) {
    case "loss":
      return `${Math.round(incident.share * 100)} % of messages are lost until ${seconds(incident.until)}`
    case "delay":
    case "reorder":
      return `messages take up to ${seconds(incident.most)} s longer${
        incident.kind === "reorder" ? " and overtake each other" : ""
      } until ${seconds(incident.until)}`
    case "duplicate":
      return `${Math.round(incident.share * 100)} % of messages come twice, up to ${
        seconds(incident.most)
      } s apart, until ${seconds(incident.until)}`
    case "partition":
      return `${incident.side.join(", ")} are cut off from the others until ${seconds(incident.until)}`
    case "deaf":
      return `${incident.node} does not hear ${incident.to.join(", ")} until ${seconds(incident.until)}`
    case "crash":
      return `${incident.node} stops until ${seconds(incident.until)}; its disk is ${
        incident.disk === "tail-lost" ? "kept but for what was written last" : incident.disk
      }`
    case "clock":
      return `the clock of ${incident.node} jumps by ${seconds(incident.by)} s until ${seconds(incident.until)}`
    case "turn":
      return `member-${incident.target + 1} is ${statusText(incident.up)}${
        incident.up ? "" : incident.slow ? " (no answer)" : " (refuses)"
      }`
    case "misjudge":
      return `${incident.node} sees member-${incident.target + 1} ${statusText(incident.sees)}, whatever it is, until ${
        seconds(incident.until)
      }`
    case "roster":
      return `roster: ${incident.change} ${incident.member}`
    case "forge":
      return `somebody forges: ${incident.what}`
    case "strangers":
      return "strangers propose and vote"
    case "flood":
      return `somebody sends ${incident.count} invented messages`
    case "withhold":
      return `votes and decisions are held back until ${seconds(incident.until)}, what they prove is shown at ${
        seconds(incident.release)
      }`
  }
}

/** What a run was, in a few lines. */
export const describePlan = (plan: Plan): ReadonlyArray<string> => [
  `seed ${plan.seed}, mode ${plan.mode}: monitors ${plan.monitors.join(", ")}${
    plan.spare === undefined ? "" : ` (${plan.spare} in no roster yet)`
  }; followers ${plan.followers.join(", ")}`,
  `targets ${plan.targets.map(nameOf).join(", ")}; checks every ${plan.interval / 1_000} s, deadline ${
    plan.deadline / 1_000
  } s, down after ${plan.failAfter}, up after ${plan.recoverAfter}, a state lasts ${plan.minimumStateTime / 1_000} s`,
  ...plan.ipv4Only.length > 0 ? [`${plan.ipv4Only.join(", ")} judge no IPv6 targets`] : [],
  ...plan.stolen.length > 0 ? [`the keys of ${plan.stolen.join(", ")} are stolen`] : [],
  `faults are over at ${seconds(plan.healAt)}${plan.reconnects ? ", when the bus is connected anew" : ""}`,
  ...plan.incidents.map((incident) => `${seconds(incident.at).padStart(9)}  ${describeIncident(incident)}`)
]
