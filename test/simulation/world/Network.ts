import type { Chance } from "../plan/Chance.ts"
import type { Incident } from "../plan/Plan.ts"
import type { Agenda } from "./Agenda.ts"
import type { Message } from "./Message.ts"

type Of<K extends Incident["kind"]> = Extract<Incident, { kind: K }>

/** What a good network takes, in milliseconds. */
const usual = { least: 1, most: 60 }

/** What became of messages. */
export interface Traffic {
  sent: number
  lost: number
  cut: number
  doubled: number
  overtaken: number
  delayed: number
}

/** The links between all nodes. A link keeps the order of what goes over it, unless an incident says otherwise. */
export class Network {
  readonly traffic: Traffic = { sent: 0, lost: 0, cut: 0, doubled: 0, overtaken: 0, delayed: 0 }
  readonly #agenda: Agenda
  readonly #chance: Chance
  readonly #deliver: (to: string, from: string, message: Message) => void
  /** From whom and to whom → when the link is free. */
  readonly #links = new Map<string, Map<string, number>>()
  readonly #incidents = new Set<Incident>()

  constructor(options: {
    readonly agenda: Agenda
    readonly chance: Chance
    readonly deliver: (to: string, from: string, message: Message) => void
  }) {
    this.#agenda = options.agenda
    this.#chance = options.chance
    this.#deliver = options.deliver
  }

  begin(incident: Incident): void {
    this.#incidents.add(incident)
  }

  end(incident: Incident): void {
    this.#incidents.delete(incident)
  }

  /** The partitions of now. */
  partitions(): ReadonlyArray<Of<"partition">> {
    return [...this.#incidents].filter((incident) => incident.kind === "partition")
  }

  isCut(from: string, to: string): boolean {
    for (const incident of this.#incidents) {
      if (incident.kind === "partition" && incident.side.includes(from) !== incident.side.includes(to)) return true
      if (incident.kind === "deaf" && incident.node === to && incident.to.includes(from)) return true
    }
    return false
  }

  send(from: string, to: string, message: Message): void {
    const { traffic } = this
    traffic.sent++
    const chance = this.#chance
    let delay = usual.least + chance.next() * (usual.most - usual.least)
    let overtakes = false
    let copyAfter: number | undefined
    for (const incident of this.#incidents) {
      switch (incident.kind) {
        case "partition":
        case "deaf":
          break
        case "loss":
          if (chance.yes(incident.share)) {
            traffic.lost++
            return
          }
          break
        case "delay":
        case "reorder":
          delay += chance.next() * incident.most
          overtakes ||= incident.kind === "reorder"
          traffic.delayed++
          break
        case "duplicate":
          if (chance.yes(incident.share)) copyAfter = chance.next() * incident.most
      }
    }
    if (this.#incidents.size > 0 && this.isCut(from, to)) {
      traffic.cut++
      return
    }
    let links = this.#links.get(from)
    if (links === undefined) this.#links.set(from, links = new Map())
    const free = links.get(to) ?? 0
    const wanted = this.#agenda.now + delay
    if (wanted < free && overtakes) traffic.overtaken++
    const at = overtakes ? wanted : Math.max(free, wanted)
    links.set(to, Math.max(free, at))
    this.#agenda.at(at, () => this.#deliver(to, from, message))
    if (copyAfter === undefined) return
    traffic.doubled++
    this.#agenda.at(at + copyAfter, () => this.#deliver(to, from, message))
  }
}
