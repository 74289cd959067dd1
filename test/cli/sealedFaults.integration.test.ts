import { assert, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Fiber, Layer, Option } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { demoName } from "../../src/demo/documents.ts"
import { MemberServers } from "../../src/demo/MemberServers.ts"
import { demoMembers } from "../../src/demo/places.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { eventually, residentMiB, startProgram } from "./geodns.ts"
import { get, type Node, outageRows, statusOf, waitForAnswer, waitForCondition, waitForStatus } from "./network.ts"
import type { Flood } from "./proposalFlood.child.ts"
import { cluster } from "./sealedKeys.ts"
import {
  login,
  monitorIds,
  patience,
  type SealedNetwork,
  startSealedNetwork,
  stepsOf,
  waitForDown
} from "./sealedNetwork.ts"

const [fuji, rhine, potomac] = demoMembers as unknown as readonly [
  (typeof demoMembers)[number],
  (typeof demoMembers)[number],
  (typeof demoMembers)[number]
]

/** Near the first member, the second and the third. */
const osaka = { name: demoName, subnet: "203.0.113.0/24" }
const berlin = { name: demoName, subnet: "198.51.100.0/24" }
const chicago = { name: demoName, subnet: "192.0.2.0/24" }

/** Proposals of the flood, at least. */
const forgedProposals = 1_000_000

/** Every target was found up once. */
const fromTheStart = Object.fromEntries(demoMembers.map(({ name }) => [name, 2]))

const tenths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

/** For how long a monitor is stopped, in seconds. */
const stopped = 60

const without = (node: Node, question: typeof osaka, member: typeof fuji) =>
  waitForAnswer(
    node,
    question,
    `without ${member.name}`,
    (address) => address !== undefined && address !== member.address,
    patience
  )

const withIt = (node: Node, question: typeof osaka, member: typeof fuji) =>
  waitForAnswer(node, question, `with ${member.name}`, (address) => address === member.address, patience)

/** Waits until these are all the outages that the collator has stored, the oldest first. */
const waitForOutages = (collator: Node, expected: ReadonlyArray<readonly [member: string, isOpen: boolean]>) =>
  eventually(
    `the outages are ${JSON.stringify(expected)}`,
    Effect.sync(() => {
      const rows = outageRows(collator).map(({ isOpen, member }) => [member, isOpen])
      return JSON.stringify(rows) === JSON.stringify(expected) ? Option.some(rows) : Option.none()
    }),
    patience
  )

/** Waits until all nodes hold the same registers, at these steps: all targets have one, and those that are not named are up from the start. */
const waitForSteps = ({ nodes }: SealedNetwork, expected: Readonly<Record<string, number>>) =>
  Effect.forEach(
    nodes,
    (node) =>
      waitForStatus(
        node,
        `the registers are at ${JSON.stringify(expected)}`,
        (status) => isDeepStrictEqual(stepsOf(status), { ...fromTheStart, ...expected }),
        patience
      ),
    { concurrency: "unbounded" }
  )

/** Waits until a monitor itself sees a member down, whatever is decided. */
const waitUntilSeenDown = (node: Node, member: typeof fuji) =>
  eventually(
    `${node.id} sees ${member.name} down`,
    Effect.map(get(`${node.url}/results?source=local`), (answer) => {
      const results: ReadonlyArray<any> = JSON.parse(answer?.text ?? "{}").EndpointResults?.flatMap((of: any) =>
        of.Results
      ) ?? []
      const isSeen = results.some(({ MemberName, Status }) => MemberName === member.name && !Status)
      return isSeen ? Option.some(isSeen) : Option.none()
    }),
    patience
  )

/** Waits until a node has dropped a message of a kind for a reason. */
const waitUntilDropped = (node: Node, what: string, reason: string) =>
  eventually(
    `${node.id} drops a ${what}: ${reason}`,
    Effect.map(get(`${node.url}/metrics`), (answer) => {
      const line = new RegExp(
        `^geodns_consensus_dropped_total\\{(?=[^}]*"${what}")(?=[^}]*"(?:${reason})")[^}]*\\} [1-9]`,
        "m"
      )
      return line.test(answer?.text ?? "") ? Option.some(true) : Option.none()
    }),
    patience
  )

/** What an outsider with the password of the broker hears, and can say. */
const outsider = (url: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => connect({ servers: url, ...login })),
      (client) => Effect.promise(() => client.close())
    ),
    (client) => {
      const heard = { propose: [] as Array<any>, vote: [] as Array<any>, finalize: [] as Array<any> }
      for (const [kind, list] of Object.entries(heard)) {
        client.subscribe(`consensus.${kind}`, { callback: (_, message) => void list.push(message.json()) })
      }
      return {
        heard,
        /** Says all of it. */
        say: (kind: keyof typeof heard, messages: ReadonlyArray<unknown>) =>
          Effect.promise(async () => {
            for (const message of messages) client.publish(`consensus.${kind}`, JSON.stringify(message))
            await client.flush()
          })
      }
    }
  )

const stripped = ({ Seal: _seal, Seq: _seq, ...rest }: any) => rest

describeWith(nats, "a sealed cluster of processes and its faults", () => {
  it.live(
    "converges after its broker was killed, a monitor stopped for a minute, and monitors killed",
    () =>
      Effect.gen(function*() {
        const members = yield* MemberServers
        const network = yield* startSealedNetwork(members.port)
        const { broker, collator, dns, monitors, nodes } = network
        yield* withIt(dns, osaka, fuji)

        yield* Effect.promise(() => broker.kill())
        for (const node of nodes) yield* waitForCondition(node, "bus")
        yield* members.setHealthy(fuji.key, false)
        // All see it, and nobody decides alone.
        for (const node of monitors) yield* waitUntilSeenDown(node, fuji)
        yield* waitForDown(nodes, [])
        yield* withIt(dns, osaka, fuji)
        yield* Effect.promise(() => broker.restart())
        yield* without(dns, osaka, fuji)
        yield* waitForDown(nodes, [fuji.name])
        yield* waitForOutages(collator, [[fuji.name, true]])

        const stoppedAt = performance.now()
        yield* network.process("monitor-5").kill("SIGSTOP")
        const awake = nodes.filter(({ id }) => id !== "monitor-5")
        yield* members.setHealthy(rhine.key, false)
        yield* without(dns, berlin, rhine)
        yield* members.setHealthy(fuji.key, true)
        yield* withIt(dns, osaka, fuji)
        while (performance.now() - stoppedAt < stopped * 1_000) {
          yield* waitForDown(awake, [rhine.name])
          yield* Effect.sleep("1 second")
        }
        yield* network.process("monitor-5").kill("SIGCONT")
        yield* waitForSteps(network, { [fuji.name]: 4, [rhine.name]: 3 })

        yield* network.process("monitor-1").kill("SIGKILL")
        yield* network.process("monitor-1").ended
        yield* members.setHealthy(rhine.key, true)
        yield* withIt(dns, berlin, rhine)
        yield* network.start("monitor-1")
        yield* waitForSteps(network, { [fuji.name]: 4, [rhine.name]: 4 })

        // Now it takes the votes of both that were away.
        const gone = ["monitor-2", "monitor-3"]
        for (const id of gone) {
          yield* network.process(id).kill("SIGKILL")
          yield* network.process(id).ended
        }
        yield* members.setHealthy(potomac.key, false)
        yield* without(dns, chicago, potomac)
        for (const id of gone) yield* network.start(id)
        yield* members.setHealthy(potomac.key, true)
        yield* withIt(dns, chicago, potomac)
        yield* waitForSteps(network, { [fuji.name]: 4, [rhine.name]: 4, [potomac.name]: 4 })
        yield* waitForOutages(collator, [[fuji.name, false], [rhine.name, false], [potomac.name, false]])
      }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped),
    900_000
  )

  it.live(
    "is moved by no forgery, and decides while it is flooded with forged proposals",
    () =>
      Effect.gen(function*() {
        const members = yield* MemberServers
        const network = yield* startSealedNetwork(members.port)
        const { collator, dns, nodes } = network
        const { heard, say } = yield* outsider(network.broker.url)
        yield* members.setHealthy(fuji.key, false)
        yield* without(dns, osaka, fuji)
        yield* waitForDown(nodes, [fuji.name])
        yield* members.setHealthy(fuji.key, true)
        yield* withIt(dns, osaka, fuji)
        yield* waitForDown(nodes, [])
        const known = { propose: [...heard.propose], vote: [...heard.vote], finalize: [...heard.finalize] }
        const down = known.finalize.find(({ Certificate }) =>
          Certificate.T.member === fuji.name && Certificate.seq === 3
        )
        assert.isDefined(down)

        // A decision that nobody proved, and one that says of other votes that they prove the next step.
        yield* say("finalize", [
          { ...down, DecidedAt: new Date().toISOString(), Certificate: undefined },
          { ...down, DecidedAt: new Date().toISOString(), Certificate: { ...down.Certificate, seq: 5 } }
        ])
        // All that was said, without its seals, and as it was.
        yield* say("propose", [...known.propose.map(stripped), ...known.propose])
        yield* say("vote", [...known.vote.map(stripped), ...known.vote])
        yield* say("finalize", known.finalize)
        // True votes on that it was down, as votes on what an outsider proposes now.
        const again = { ...stripped(down.Proposal), ID: "again", SenderNodeID: "monitor-of-nobody" }
        yield* say("propose", [{ ...again, Timestamp: new Date().toISOString() }])
        const votes = known.vote.filter(({ Seq }) => Seq === 3)
        assert.isAbove(votes.length, 2)
        yield* say("vote", votes.flatMap((vote) => [{ ...vote, ProposalID: "again" }, { ...vote, Seq: 5 }]))
        for (const node of nodes) {
          yield* waitUntilDropped(node, "decision", "unproven")
          yield* waitUntilDropped(node, "decision", "BadSignature")
          yield* waitUntilDropped(node, "proposal", "unsigned")
          yield* waitUntilDropped(node, "vote", "unsigned")
          yield* waitUntilDropped(node, "vote", "bad-signature|clock")
        }
        yield* waitForSteps(network, { [fuji.name]: 4 })

        const { consensus, members: shown } = (yield* statusOf(dns))!
        const flood: Flood = {
          broker: { servers: network.broker.url, ...login },
          count: forgedProposals,
          perSecond: 8_000,
          targets: shown.items.flatMap(({ targets }) => targets.map(({ target }) => target)),
          members: monitorIds,
          cluster,
          epoch: consensus!.epoch!
        }
        const flooder = yield* startProgram(join(import.meta.dirname, "proposalFlood.child.ts"), [
          JSON.stringify(flood)
        ])
        const memory = yield* Effect.forEach(tenths, (tenth) =>
          Effect.map(
            flooder.says(new RegExp(`published ${tenth} tenths`), patience),
            () => nodes.map(({ id }) => residentMiB(network.process(id).pid))
          )).pipe(Effect.forkChild({ startImmediately: true }))
        yield* flooder.says(/published 1 tenths/, patience)
        yield* members.setHealthy(rhine.key, false)
        yield* without(dns, berlin, rhine)
        yield* members.setHealthy(rhine.key, true)
        yield* withIt(dns, berlin, rhine)
        assert.isTrue(existsSync(`/proc/${flooder.pid}`), "both are decided during the flood")
        const resident = yield* Fiber.join(memory)
        yield* flooder.kill("SIGTERM")
        yield* flooder.says(/published \d+ in all/, patience)
        for (const [i, { id }] of nodes.entries()) {
          // The least of some: V8 takes what it likes for a moment, and gives it back. A million kept would be 500 MiB.
          const least = (from: number, to: number) => Math.min(...resident.slice(from, to).map((all) => all[i]!))
          const [early, late] = [least(1, 5), least(6, 10)]
          assert.isBelow(late, early + 150, `MiB in ${id} towards the end of the flood, not more than before`)
          assert.isBelow(late, 500, `MiB in ${id}`)
        }
        yield* waitForSteps(network, { [fuji.name]: 4, [rhine.name]: 4 })
        yield* waitForOutages(collator, [[fuji.name, false], [rhine.name, false]])
      }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped),
    900_000
  )
})
