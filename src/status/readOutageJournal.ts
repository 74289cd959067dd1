import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type TargetKey, targetKey } from "../domain/Target.ts"
import { AppendFiles } from "../node/AppendFiles.ts"
import { Conditions } from "../node/Conditions.ts"
import type { Official } from "./Decision.ts"
import type { OutageBacklog } from "./OutageBacklog.ts"
import { decisionOf, readRecord, recordBytes } from "./Transition.ts"

/** Where transitions wait for the store. */
export const outageJournal = "outages.journal"

/** Where the first {@link outageJournal} that could not be read is set aside. */
export const brokenOutageJournal = "outages.broken.journal"

/** How many that could not be read are kept; the last of them is replaced. */
export const maxBroken = 5

const readCondition = "outages:file"

/** Reads what waited when the last process ended. Gives the last number, and the last decision on each target. */
export const readOutageJournal = Effect.fnUntraced(function*(backlog: OutageBacklog) {
  const files = yield* AppendFiles
  const conditions = yield* Conditions
  const decisions = new Map<TargetKey, Official>()
  let last = 0
  let strange = 0
  yield* Stream.runForEach(files.read(outageJournal), (text) =>
    Effect.sync(() => {
      const record = readRecord(text)
      if (record === undefined) strange++
      else if ("done" in record) backlog.removeUntil(record.done)
      else if (record.number > last) {
        last = record.number
        backlog.add({ ...record, bytes: recordBytes(text) })
        const decision = decisionOf(record.transition)
        if (decision !== undefined) decisions.set(targetKey(decision.target), decision)
      }
    })).pipe(
      // What was read is used. The rest is set aside before the first write would replace it.
      Effect.catch((error) =>
        Effect.gen(function*() {
          const broken = yield* freeName(files)
          const aside = yield* Effect.result(files.rename(outageJournal, broken))
          yield* conditions.raise(
            readCondition,
            `outages that waited for the store may be lost: ${error.message}; ${
              aside._tag === "Success" ? `set aside as ${broken}` : aside.failure.message
            }`
          )
        })
      )
    )
  if (strange > 0) {
    yield* conditions.raise(
      readCondition,
      `${strange} records of ${outageJournal} are not of this version and are left out`
    )
  }
  if (backlog.size > 0) {
    yield* Effect.logInfo(
      `${backlog.size} ${
        backlog.size === 1 ? "change of status waits" : "changes of status wait"
      } for the store since before the start`
    )
  }
  return { last, decisions: [...decisions.values()] }
})

const brokenNames = Array.from(
  { length: maxBroken },
  (_, i) => i === 0 ? brokenOutageJournal : `outages.broken.${i + 1}.journal`
)

/** A name that no earlier one has, as long as there are few of them. */
const freeName = (files: AppendFiles["Service"]) =>
  files.list.pipe(
    Effect.orElseSucceed(() => brokenNames),
    Effect.map((taken) => brokenNames.find((name) => !taken.includes(name)) ?? brokenNames.at(-1)!)
  )
