import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Families } from "../monitor/Families.ts"
import { Prober } from "../monitor/Prober.ts"
import { Probes } from "../monitor/Probes.ts"
import { runOnce } from "../monitor/runOnce.ts"
import { Conditions } from "../node/Conditions.ts"
import { documents } from "./offline.ts"
import type { ProbeOptions } from "./probing.ts"

/**
 * What a monitor with this local document sees now: every check is run once. It needs no broker and writes nothing.
 * `onProgress` is told how many of all targets are done.
 */
export const checkOnce = (
  path: string,
  onProgress: (done: number, all: number) => Effect.Effect<void>,
  { probes = Probes.layer }: ProbeOptions = {}
) =>
  runOnce(onProgress).pipe(
    Effect.provide(
      Layer.provideMerge(Prober.layer, Layer.mergeAll(documents(path), Families.layer, probes, Conditions.layer))
    )
  )
