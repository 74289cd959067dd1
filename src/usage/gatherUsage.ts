import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Bus, type BusError, type BusMessage } from "../bus/Bus.ts"
import { messageCodec } from "../bus/MessageCodec.ts"
import * as Messages from "../bus/Messages.ts"
import * as Subject from "../domain/wire/Subject.ts"
import type { UsagePage } from "../domain/wire/UsagePages.ts"
import type { Period } from "./collectedRows.ts"
import { newReplySubject, paging } from "./usagePages.ts"

/** How long nothing may come before those who have not answered are given up. Milliseconds. */
const patience = 20_000
/** How long one gathering may take, however much comes. Milliseconds. */
const longest = 10 * 60_000
/** Nodes that may answer one question, and processes that may answer as one of them. */
const maxNodes = 1_000
const maxBoots = 8
/** How long after all have answered another node with one of their ids may begin to. Milliseconds. */
const lingering = 2_000

const everything = { domain: "", memberName: "", country: "" }

/** How far one process of one node is. */
interface Progress {
  nextPage: number
  state: "telling" | "told" | "failed"
}

/** What came of a gathering. */
export interface Gathered {
  /** The nodes that have answered in full: all processes of their id that have begun to. */
  readonly complete: ReadonlySet<string>
  /** Ids as which several processes have answered. */
  readonly shared: ReadonlySet<string>
}

/** What to do with what comes. */
export interface Gathering {
  readonly period: Period
  /** Done when these have answered in full. Nobody: after 20 seconds of silence. */
  readonly expected: ReadonlyArray<string>
  /** Only these are asked; v2's answer all the same. */
  readonly nodes?: ReadonlyArray<string>
  /** After all have answered, wait two seconds more for others with one of their ids. */
  readonly linger: boolean
  /** Takes a page, or the whole answer of a v2 node. Those of one process come in order. False: the answer is of no use. */
  readonly take: (page: UsagePage) => Effect.Effect<boolean>
}

/**
 * Asks DNS nodes for their totals and takes what comes, further pages only when those before are taken. Two nodes with one id
 * are told apart by the boot id of their pages, so that the totals of neither are taken for repeats of the other's.
 */
export const gatherUsage = Effect.fnUntraced(function*(
  gathering: Gathering
): Effect.fn.Return<Gathered, BusError, Bus | Scope.Scope> {
  const { expected, nodes, period, take } = gathering
  const bus = yield* Bus
  const subject = { ...Subject.UsagePages, name: newReplySubject() }
  const { decode } = messageCodec(subject)
  const messages = yield* bus.subscribe(subject.name)
  const progress = new Map<string, Map<string, Progress>>()
  const complete = new Set<string>()
  const shared = new Set<string>()
  const all = yield* Latch.make()
  let lastCame = yield* Clock.currentTimeMillis

  const isOver = () => expected.length > 0 && expected.every((id) => complete.has(id))

  const progressOf = (node: string, boot: string): Progress | undefined => {
    const boots = progress.get(node) ?? new Map<string, Progress>()
    const known = boots.get(boot)
    if (known !== undefined) return known
    if (node === "" || boots.size >= maxBoots || boots.size === 0 && progress.size >= maxNodes) return undefined
    const own: Progress = { nextPage: 0, state: "telling" }
    progress.set(node, boots.set(boot, own))
    if (boots.size > 1) shared.add(node)
    return own
  }

  /** A node whose id another one has, too, is complete when both are. */
  const note = (node: string) =>
    Effect.suspend(() => {
      const boots = [...progress.get(node)?.values() ?? []]
      if (boots.length > 0 && boots.every(({ state }) => state === "told")) complete.add(node)
      else complete.delete(node)
      return isOver() ? all.open : all.close
    })

  const takePage = Effect.fnUntraced(function*(page: UsagePage) {
    const node = page.nodeID
    const own = progressOf(node, page.Boot ?? "")
    if (own === undefined || own.state !== "telling") return
    if (page.error !== undefined) {
      own.state = "failed"
      return yield* Effect.logWarning("a DNS node does not tell its usage").pipe(
        Effect.annotateLogs({ node, error: page.error.slice(0, 300) })
      )
    }
    // One that was lost is not made good by those behind it; one that comes twice was taken.
    if (page.Page !== undefined && page.Page !== own.nextPage) return
    own.nextPage += 1
    if (!(yield* take(page))) {
      own.state = "failed"
      return
    }
    if (page.Page === undefined || page.Final === true) {
      own.state = "told"
    } else if (page.Next !== undefined) {
      yield* Messages.send(Subject.MoreUsage, {
        NodeID: node,
        ...(page.Boot !== undefined && { Boot: page.Boot }),
        Next: page.Next,
        ...period,
        ...everything
      }, subject.name)
    }
  }, (effect, page) => Effect.ensuring(effect, note(page.nodeID)))

  const handle = Effect.fnUntraced(function*(message: BusMessage) {
    const decoded = decode(message.data)
    if (Result.isFailure(decoded)) {
      return yield* Effect.logWarning("an answer about usage cannot be read").pipe(
        Effect.annotateLogs({ problem: decoded.failure().slice(0, 300) })
      )
    }
    yield* takePage(decoded.success)
    lastCame = yield* Clock.currentTimeMillis
  })

  yield* messages.pipe(
    Stream.runForEach((message) =>
      Effect.catchCause(handle(message), (cause) => Effect.logWarning("an answer about usage was lost", cause))
    ),
    Effect.forkScoped
  )
  yield* Messages.send(Subject.GetUsagePages, {
    ...period,
    ...everything,
    Paging: paging,
    ...(nodes !== undefined && { Nodes: nodes })
  }, subject.name)

  const asked = yield* Clock.currentTimeMillis
  while (true) {
    const now = yield* Clock.currentTimeMillis
    const left = Math.min(lastCame + patience, asked + longest) - now
    if (left <= 0) break
    if (Option.isNone(yield* Effect.timeoutOption(all.await, left))) continue
    if (gathering.linger) yield* Effect.sleep(lingering)
    if (isOver()) break
  }
  return { complete, shared }
}, Effect.scoped)
