import { formatHost } from "../domain/ListenAddress.ts"
import type { NodeInfo } from "../domain/wire/Cluster.ts"
import type { NodeEntry } from "./Membership.ts"

/** A node counts as active for so many milliseconds after its last sign of life. */
export const activeFor = 10 * 60_000

/** A node is forgotten so many milliseconds after its last sign of life. */
export const rememberedFor = 15 * 60_000

/** How many nodes are kept. Half of the places are for nodes that announced themselves. */
export const maxNodes = 1000

/** What a `join` said that was not known. */
export type Joined =
  /** A node that was not known. */
  | "new"
  /** Other details than before, or a node that was known and silent. */
  | "changed"
  | "known"
  /** Other details, and the boot id of an earlier announcement again: two running nodes use this id in turns. */
  | "shared-id"
  /** Another process announces our own id. */
  | "own-id"
  /** Our own announcement. */
  | "own"
  /** No place left for a new node. */
  | "refused"

/** What tells this node from others. */
export interface Self {
  readonly id: string
  readonly role: string
  readonly boot: string
}

interface Entry {
  readonly id: string
  role: string
  guessed: boolean
  address: string
  boot: string | undefined
  epoch: number | undefined
  /** The boot ids announced before this one, the newest only. */
  formerBoot: { readonly boot: string | undefined } | undefined
  heardAt: number
  active: boolean
}

const monitor = "IBPMonitor"

/** The role that an id tells: `""` when it tells none. */
export const roleOfId = (id: string): string => {
  const lower = id.toLowerCase()
  return lower.includes("monitor") ? monitor : lower.includes("dns") ? "IBPDns" : ""
}

const maxIdLength = 256

/** `host:port` as announced; an IPv6 address in brackets. */
const addressOf = (info: NodeInfo): string => {
  const host = (info.PublicAddress === "" ? info.ListenAddress : info.PublicAddress).slice(0, 255)
  const port = info.ListenPort.slice(0, 5)
  return host === "" ? "" : port === "" ? host : `${formatHost(host)}:${port}`
}

/**
 * The nodes that this node heard of, without ourselves, by the rules of `docs/wire.md`, "Liveness", in the mode `open`.
 *
 * All times are milliseconds of one clock that never goes back; an older `now` is taken as the newest one seen. Bounded:
 * nobody is pushed out for a newcomer, and senders that never announced themselves fill at most half of the places.
 */
export class NodeTable {
  readonly #self: Self
  readonly #max: number
  readonly #entries = new Map<string, Entry>()
  #guessed = 0
  #now = Number.NEGATIVE_INFINITY
  /** Nobody falls silent or is forgotten before. */
  #due = Number.POSITIVE_INFINITY
  #version = 0
  #electorate: { readonly version: number; readonly ids: ReadonlySet<string> } | undefined

  constructor(self: Self, max: number = maxNodes) {
    this.#self = self
    this.#max = max
  }

  /** Rises whenever a node comes, goes or changes, not with every sign of life. */
  get version(): number {
    return this.#version
  }

  /** Takes a node's announcement of itself. The announced role wins over a guessed one. `epoch`: of the roster that it signed by. */
  join(info: NodeInfo, now: number, epoch?: number): Joined {
    this.advance(now)
    const id = info.NodeID
    if (id === this.#self.id) return info.Boot === this.#self.boot ? "own" : "own-id"
    const known = this.#entries.get(id)
    const announced = info.NodeRole !== ""
    const details = {
      role: announced ? info.NodeRole.slice(0, 64) : known?.role ?? roleOfId(id),
      guessed: !announced && (known?.guessed ?? true),
      address: addressOf(info),
      boot: info.Boot?.slice(0, 64),
      epoch
    }
    if (known === undefined) return this.#add({ id, ...details }) ? "new" : "refused"

    const sharedId = known.boot !== details.boot && known.formerBoot !== undefined
      && known.formerBoot.boot === details.boot
    const changed = known.role !== details.role || known.guessed !== details.guessed
      || known.address !== details.address || known.boot !== details.boot || !known.active
    const newEpoch = known.epoch !== epoch
    if (known.boot !== details.boot && !known.guessed) known.formerBoot = { boot: known.boot }
    if (known.guessed && !details.guessed) this.#guessed--
    Object.assign(known, details)
    this.#sign(known)
    // A new epoch is for readers to know, and nothing to answer.
    if (changed || newEpoch) this.#version++
    return sharedId ? "shared-id" : changed ? "changed" : "known"
  }

  /**
   * Takes any other sign of life. A sender that is not known gets its role from its id; one whose id tells none counts as
   * a monitor when the message was one of consensus. False when there is no place left for it.
   */
  heard(id: string, on: "consensus" | "usage", now: number): boolean {
    this.advance(now)
    if (id === this.#self.id) return true
    const known = this.#entries.get(id)
    const fallback = on === "consensus" ? monitor : ""
    if (known === undefined) {
      return this.#add({
        id,
        role: roleOfId(id) || fallback,
        guessed: true,
        address: "",
        boot: undefined,
        epoch: undefined
      })
    }
    if (known.guessed && known.role === "" && fallback !== "") {
      known.role = fallback
      this.#version++
    }
    this.#sign(known)
    return true
  }

  /** Whether a node is known, active or silent. */
  has(id: string): boolean {
    return this.#entries.has(id)
  }

  /** Lets time pass: nodes fall silent and are forgotten. */
  advance(now: number): void {
    this.#now = Math.max(this.#now, now)
    if (this.#now < this.#due) return
    this.#due = Number.POSITIVE_INFINITY
    for (const entry of this.#entries.values()) {
      const silent = this.#now - entry.heardAt
      if (silent >= rememberedFor) {
        this.#entries.delete(entry.id)
        if (entry.guessed) this.#guessed--
        this.#version++
        continue
      }
      if (silent >= activeFor && entry.active) {
        entry.active = false
        this.#version++
      }
      this.#due = Math.min(this.#due, entry.heardAt + (entry.active ? activeFor : rememberedFor))
    }
  }

  /** The nodes that we heard of, `lastHeard` by the clock of `now`. */
  nodes(now: number): ReadonlyArray<NodeEntry> {
    this.advance(now)
    return Array.from(this.#entries.values(), ({ id, role, guessed, address, boot, epoch, heardAt, active }) => ({
      id,
      role,
      guessed,
      address,
      boot,
      ...epoch !== undefined && { epoch },
      lastHeard: heardAt,
      active
    }))
  }

  /** The monitors active now, ourselves included when we are one. The same set until something changes. */
  electorate(now: number): ReadonlySet<string> {
    this.advance(now)
    if (this.#electorate?.version !== this.#version) {
      const ids = new Set<string>()
      if (this.#self.role === monitor) ids.add(this.#self.id)
      for (const entry of this.#entries.values()) if (entry.active && entry.role === monitor) ids.add(entry.id)
      this.#electorate = { version: this.#version, ids }
    }
    return this.#electorate.ids
  }

  #add(node: Pick<Entry, "id" | "role" | "guessed" | "address" | "boot" | "epoch">): boolean {
    if (node.id === "" || node.id.length > maxIdLength || this.#entries.size >= this.#max) return false
    if (node.guessed && this.#guessed >= this.#max / 2) return false
    const entry: Entry = { ...node, formerBoot: undefined, heardAt: this.#now, active: true }
    this.#entries.set(node.id, entry)
    if (node.guessed) this.#guessed++
    this.#sign(entry)
    this.#version++
    return true
  }

  #sign(entry: Entry): void {
    entry.heardAt = this.#now
    if (!entry.active) {
      entry.active = true
      this.#version++
    }
    this.#due = Math.min(this.#due, entry.heardAt + activeFor)
  }
}
