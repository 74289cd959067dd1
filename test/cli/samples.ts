import type { Target } from "../../src/domain/Target.ts"
import type { LogEvent } from "../../src/http/LogEvent.ts"
import type { MemberStatus, StatusDocument, TargetStatus } from "../../src/http/StatusDocument.ts"

/** The time of all samples. */
export const now = Date.parse("2026-04-21T08:09:10.123Z")
export const ago = (minutes: number): string => new Date(now - minutes * 60_000).toISOString()

export const targetOf = (member: string): Target => ({
  checkType: "endpoint",
  check: "wss",
  member,
  domain: "rpc.demo.example",
  endpoint: "wss://rpc.demo.example/demo",
  ipv6: false
})

export const endpoint = (member: string, up: boolean, error = ""): TargetStatus => ({
  target: targetOf(member),
  up,
  since: ago(42),
  error,
  decision: "4f0c2d1e-1111-4222-8333-444455556666",
  decidedBy: "mon-1",
  votes: { yes: ["mon-1", "mon-2"], no: ["mon-3"] }
})

const listed = <A>(items: ReadonlyArray<A>) => ({ total: items.length, items })

const memberOf = (name: string, targets: ReadonlyArray<TargetStatus>): MemberStatus => {
  const down = targets.filter(({ up }) => !up).length
  return {
    key: name.split(" ")[0]!,
    name,
    region: "Asia",
    website: "",
    logo: "",
    services: 1,
    state: down === 0 ? "up" : down === targets.length ? "down" : "degraded",
    since: ago(42),
    up: targets.length - down,
    down,
    targets
  }
}

/** A status document with these targets, and one of everything else. */
export const statusDocument = (
  targets: ReadonlyArray<TargetStatus>,
  more: Partial<StatusDocument> = {}
): StatusDocument => ({
  at: ago(0),
  node: { id: "dns-1", role: "IBPDns", boot: "boot-1", startedAt: ago(180) },
  config: { version: 7, loadedAt: ago(2) },
  conditions: listed([]),
  electorate: 3,
  nodes: listed([
    {
      id: "dns-1",
      role: "IBPDns",
      guessed: false,
      address: "",
      lastHeard: ago(180),
      active: true,
      votes: false,
      self: true
    },
    {
      id: "mon-1",
      role: "IBPMonitor",
      guessed: false,
      address: "192.0.2.1",
      lastHeard: ago(1),
      active: true,
      votes: true
    },
    { id: "old", role: "IBPMonitor", guessed: true, address: "", lastHeard: ago(12), active: false, votes: false }
  ]),
  targets: {
    up: targets.filter(({ up }) => up).length,
    down: targets.filter(({ up }) => !up).length
  },
  members: listed(
    [...Map.groupBy(targets, ({ target }) => target.member)].map(([name, theirs]) => memberOf(name, theirs))
  ),
  proposals: listed([]),
  overrides: listed([]),
  ...more
})

const event = { at: "2026-04-21T08:09:10.123Z", target: targetOf("Fuji Hosting"), proposal: "p-1" }

export const decided = (id: number, up = false): LogEvent => ({
  _tag: "Decided",
  ...event,
  id,
  up,
  error: up ? "" : "status 503",
  by: "mon-1",
  votes: { yes: ["mon-1", "mon-2"], no: [] }
})
export const voted = (id: number): LogEvent => ({ _tag: "Voted", ...event, id, agree: true, by: "mon-2" })
export const proposed = (id: number): LogEvent => ({
  _tag: "Proposed",
  ...event,
  id,
  up: false,
  error: "status 503",
  by: "mon-1"
})
