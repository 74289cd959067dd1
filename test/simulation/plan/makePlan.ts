import { Chance } from "./Chance.ts"
import { type Mode, threats } from "./Mode.ts"
import { forgeries, type Incident, type Plan } from "./Plan.ts"
import { targetOf } from "./targetOf.ts"

/**
 * What kinds of runs are made of seeds: `chaos`, where everything goes wrong that can; `fine`, the same, but members are fine and a
 * majority always sees that; `outage`, one outage in a good network, for how long it takes.
 */
export const kinds = ["chaos", "fine", "outage"] as const
export type Kind = (typeof kinds)[number]

/** The longest that messages are delayed. */
const slowest = 8_000

const majority = (n: number): number => Math.max(2, Math.floor(n / 2) + 1)

/** The run of a seed. */
export const makePlan = (seed: number, mode: Mode, kind: Kind = "chaos"): Plan => {
  const chance = new Chance(seed)
  const threat = threats[mode]
  const count = kind === "outage" ? chance.int(3, 7) : chance.pick([3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7])
  const monitors = Array.from({ length: count }, (_, i) => `m${i + 1}`)
  const followers = kind === "outage" || chance.yes(0.8) ? ["d1", "c1"] : ["d1", "d2", "c1"]
  const ipv4Only = mode === "require" && count >= 5 && chance.yes(0.3) ? chance.some(monitors, 1) : []
  const targets = Array.from(
    { length: kind === "outage" ? 1 : chance.pick([1, 1, 1, 1, 2, 2, 3, 4]) },
    (_, i) => targetOf(i, ipv4Only.length > 0 && chance.yes(0.5))
  )
  const interval = 10_000
  const isLong = kind === "chaos" && mode === "require" && chance.yes(0.06)
  const from = 5_000
  const healAt = kind === "outage" ? 60_000 : isLong ? 330_000 : chance.int(35_000, 90_000)
  const spare = threat.rosterChanges && kind === "chaos" && chance.yes(0.2) ? `m${count + 1}` : undefined
  // Fewer than decide, also on targets that fewer judge, and when a member was removed.
  const stolen = threat.forgery && kind === "chaos" && chance.yes(0.5)
    ? chance.some(monitors, chance.int(1, Math.max(1, majority(count - ipv4Only.length - 1) - 1)))
    : []
  const small = kind === "chaos" && chance.yes(0.02)
  const shared = {
    seed,
    mode,
    monitors,
    followers,
    spare,
    ipv4Only,
    targets,
    interval,
    deadline: 4_000,
    failAfter: kind === "outage" ? 2 : chance.int(1, 2),
    recoverAfter: chance.int(1, 2),
    minimumStateTime: kind === "chaos" && chance.yes(0.2) ? 5_000 : 0,
    stolen,
    small,
    healAt,
    reconnects: kind === "outage" || chance.yes(0.7),
    fine: kind === "fine"
  }
  if (kind === "outage") {
    const at = 30_000 + chance.next() * 10_000
    return { ...shared, incidents: [{ kind: "turn", at, target: 0, up: false, slow: chance.yes(0.7) }] }
  }

  const incidents: Array<Incident> = []
  const nodes = [...monitors, ...followers]
  const time = () => chance.int(from, healAt - 2_000)
  const until = (at: number, most: number) => Math.min(healAt, at + chance.int(1_000, most))
  const often = (most: number, make: () => Incident | undefined) => {
    for (let i = chance.int(0, most); i > 0; i--) {
      const incident = make()
      if (incident !== undefined) incidents.push(incident)
    }
  }

  // Members
  if (kind === "chaos") {
    for (const target of targets.keys()) {
      let up = true
      for (let at = time() / 2; at < healAt; at += chance.int(2_000, 60_000)) {
        if (chance.yes(0.15)) continue
        up = !up
        incidents.push({ kind: "turn", at: Math.floor(at), target, up, slow: chance.yes(0.5) })
      }
    }
  }
  // A minority that sees them otherwise, also in the end
  const blind = chance.some(
    monitors,
    Math.max(0, count - majority(count + (spare === undefined ? 0 : 1)) - (ipv4Only.length > 0 ? 1 : 0))
  )
  if (kind === "fine" || chance.yes(0.5)) {
    for (const node of blind) {
      const sees = kind === "fine" ? false : chance.yes(0.3)
      const at = kind === "fine" && chance.yes(0.5) ? 0 : time()
      const lasts = chance.yes(0.3) ? Infinity : until(at, 60_000)
      for (const target of targets.keys()) {
        if (chance.yes(0.7)) incidents.push({ kind: "misjudge", at, until: lasts, node, target, sees })
      }
    }
  }

  // Nodes. Where the electorate is heard, who starts must hear all others.
  const crashes: Array<Extract<Incident, { kind: "crash" }>> = []
  often(2, () => {
    const node = chance.pick(nodes)
    if (crashes.some((crash) => crash.node === node)) return undefined
    const at = time()
    const disk = chance.pick(["kept", "kept", "tail-lost", "lost"] as const)
    const crash = { kind: "crash", at, until: until(at, 40_000), node, disk } as const
    const isAlone = crashes.every((other) => crash.until + 5_000 < other.at || at > other.until + 5_000)
    if (!threat.restartInside && !isAlone) return undefined
    crashes.push(crash)
    return crash
  })
  const isHeard = ({ at, until }: { readonly at: number; readonly until: number }): boolean =>
    threat.restartInside
    || crashes.every((crash) => until + slowest < crash.until || at > crash.until + 5_000)

  // The network
  if (chance.yes(0.5)) {
    often(1, () => {
      const at = time()
      const cut = { at, until: until(at, 60_000) }
      const side = chance.some(nodes, chance.int(1, nodes.length - 1))
      return isHeard(cut) ? { kind: "partition", ...cut, side } : undefined
    })
    often(2, () => {
      const at = time()
      const cut = { at, until: until(at, 40_000) }
      const node = chance.pick(nodes)
      const to = chance.some(nodes.filter((id) => id !== node), chance.int(1, 3))
      return isHeard(cut) ? { kind: "deaf", ...cut, node, to } : undefined
    })
  }
  const troubles: ReadonlyArray<(span: { readonly at: number; readonly until: number }) => Incident> = [
    (span) => ({ kind: "loss", ...span, share: chance.pick([0.02, 0.1, 0.3, 0.6]) }),
    (span) => ({ kind: "delay", ...span, most: chance.pick([300, 2_000, slowest]) }),
    (span) => ({ kind: "reorder", ...span, most: chance.pick([200, 1_000, 5_000]) }),
    (span) => ({ kind: "duplicate", ...span, share: 0.2, most: chance.pick([50, 5_000, 40_000]) })
  ]
  for (const trouble of troubles) {
    often(1, () => {
      const at = time()
      const span = { at, until: until(at, 50_000) }
      return isHeard(span) ? trouble(span) : undefined
    })
  }

  if (chance.yes(0.3)) {
    often(2, () => {
      const at = time()
      const most = Math.min(threat.clocks, chance.pick([300, 5_000, 55_000, threat.clocks]))
      return { kind: "clock", at, until: until(at, 90_000), node: chance.pick(nodes), by: chance.int(-most, most) }
    })
  }

  // Operators
  if (threat.rosterChanges && kind === "chaos" && chance.yes(0.3)) {
    if (spare !== undefined) incidents.push({ kind: "roster", at: time(), change: "add", member: spare })
    if (chance.yes(0.4)) incidents.push({ kind: "roster", at: time(), change: "rekey", member: chance.pick(monitors) })
    if (count >= 5 && ipv4Only.length === 0 && chance.yes(0.5)) {
      incidents.push({ kind: "roster", at: time(), change: "remove", member: chance.pick(monitors) })
    }
  }

  // Strangers and forgers
  if (threat.strangers && chance.yes(0.4)) {
    often(2, () => ({ kind: "strangers", at: time(), salt: chance.int(0, 2 ** 31) }))
  }
  if (threat.forgery && kind === "chaos" && chance.yes(0.8)) {
    often(9, () => ({ kind: "forge", at: time(), what: chance.pick(forgeries), salt: chance.int(0, 2 ** 31) }))
  }
  if (isLong) {
    const at = chance.int(20_000, 60_000)
    const blip = at + chance.int(1_000, 5_000)
    for (const target of targets.keys()) {
      incidents.push({ kind: "turn", at: blip, target, up: false, slow: false })
      incidents.push({ kind: "turn", at: blip + 25_000, target, up: true, slow: false })
    }
    incidents.push({ kind: "withhold", at, until: at + 40_000, release: at + chance.int(130_000, 220_000) })
  }
  if (small) incidents.push({ kind: "flood", at: time(), count: chance.int(50, 200), salt: chance.int(0, 2 ** 31) })

  return { ...shared, incidents: incidents.sort((a, b) => a.at - b.at) }
}
