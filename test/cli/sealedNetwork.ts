import { Effect } from "effect"
import type { Scope } from "effect"
import type { StatusDocument } from "../../src/http/StatusDocument.ts"
import { type NatsServer, natsServer } from "../servers/NatsServer.ts"
import type { Geodns } from "./geodns.ts"
import { makeNetwork, type Node, type Role, waitForStatus } from "./network.ts"
import { makeKeys } from "./sealedKeys.ts"

/** What is waited for takes seconds. A machine that is slow and busy gets this long: no wait says how fast anything is. */
export const patience = "5 minutes"

/** What the broker asks for. */
export const login = { user: "geodns", pass: "of a test" }

export const monitorIds = ["monitor-1", "monitor-2", "monitor-3", "monitor-4", "monitor-5"] as const

const roles: Readonly<Record<string, Role>> = {
  ...Object.fromEntries(monitorIds.map((id) => [id, "monitor"])),
  "dns-eu": "dns",
  "collator-1": "collator"
}

/** Five monitors, a DNS node and a collator in the mode `require`, behind a broker with a password. */
export interface SealedNetwork {
  readonly broker: NatsServer
  readonly nodes: ReadonlyArray<Node>
  readonly monitors: ReadonlyArray<Node>
  readonly dns: Node
  readonly collator: Node
  /** Starts a node, again after it was killed. */
  readonly start: (id: string) => Effect.Effect<Geodns, never, Scope.Scope>
  /** The process of a node that was started. */
  readonly process: (id: string) => Geodns
}

/** Starts all of it, and waits until every node knows that all five members are up. */
export const startSealedNetwork = Effect.fnUntraced(function*(memberPort: number) {
  const broker = yield* natsServer({
    config: `authorization { user: ${login.user}, password: "${login.pass}" }`
  })
  const { keyFile, roster } = yield* makeKeys(monitorIds)
  const nodes = yield* makeNetwork({
    nats: broker.url,
    memberPort,
    nodes: roles,
    change: (local, id) => {
      local.Nats = { ...local.Nats, User: login.user, Pass: login.pass }
      // Two members are down at a time, and that is not what is tested.
      local.GeoDNS.Steering.MaxRemovedShare = 1
      local.GeoDNS.Consensus = { Mode: "require", Roster: roster, KeyFile: keyFile(id) }
    }
  })
  const processes = new Map<string, Geodns>()
  const start = (id: string) =>
    Effect.tap(
      nodes.find((node) => node.id === id)!.start,
      (geodns) => Effect.sync(() => processes.set(id, geodns))
    )
  yield* Effect.forEach(nodes, ({ id }) => start(id), { concurrency: 3, discard: true })
  const network: SealedNetwork = {
    broker,
    nodes,
    monitors: nodes.filter(({ role }) => role === "monitor"),
    dns: nodes.find(({ role }) => role === "dns")!,
    collator: nodes.find(({ role }) => role === "collator")!,
    start,
    process: (id) => processes.get(id)!
  }
  yield* waitForDown(network.nodes, [])
  return network
})

/** The names of members of which a target is down. */
const downMembers = ({ members }: StatusDocument): ReadonlyArray<string> =>
  members.items.filter(({ down }) => down > 0).map(({ name }) => name).sort()

/** Waits until these members are down by all of these nodes, and all others up. */
export const waitForDown = (
  nodes: ReadonlyArray<Node>,
  names: ReadonlyArray<string>
) =>
  Effect.forEach(
    nodes,
    (node) =>
      waitForStatus(
        node,
        names.length === 0 ? "all members are up" : `only ${names.join(", ")} down`,
        (status) =>
          status.targets.up + status.targets.down === 5 && downMembers(status).join() === [...names].sort().join(),
        patience
      ),
    { concurrency: "unbounded" }
  )

/** The step of each target's register, by the member's name. */
export const stepsOf = ({ members }: StatusDocument): Readonly<Record<string, number | undefined>> =>
  Object.fromEntries(members.items.flatMap(({ name, targets }) => targets.map(({ seq }) => [name, seq])))
