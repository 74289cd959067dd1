import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { monitorEventLoopDelay } from "node:perf_hooks"
import type { Family } from "./StateMetrics.ts"

/** How the process does. */
export interface ProcessState {
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number }
  /** Microseconds of processor time. */
  readonly cpu: { readonly user: number; readonly system: number }
  /** Seconds that the event loop was late within the last one to two minutes. */
  readonly lag: { readonly max: number; readonly p99: number }
}

/** Build, memory, processor time and event loop of this process. */
export const processFamilies = (state: ProcessState, now: number): ReadonlyArray<Family> => [
  {
    name: "geodns_build_info",
    help: "What runs: always 1",
    samples: [[{ version: state.version, node: process.versions.node }, 1]]
  },
  {
    name: "geodns_process_start_time_seconds",
    help: "When the node started",
    samples: [[{}, state.startedAt / 1000]]
  },
  {
    name: "geodns_process_uptime_seconds",
    help: "How long the node has been running",
    samples: [[{}, Math.max(0, now - state.startedAt) / 1000]]
  },
  {
    name: "geodns_process_resident_memory_bytes",
    help: "Memory that the process occupies",
    samples: [[{}, state.memory.rss]]
  },
  {
    name: "geodns_process_heap_used_bytes",
    help: "Memory of the JavaScript heap that is in use",
    samples: [[{}, state.memory.heapUsed]]
  },
  {
    name: "geodns_process_external_memory_bytes",
    help: "Memory outside of the heap that JavaScript values hold",
    samples: [[{}, state.memory.external]]
  },
  {
    name: "geodns_process_cpu_seconds_total",
    help: "Processor time that the process has used",
    type: "counter",
    samples: [[{ mode: "user" }, state.cpu.user / 1e6], [{ mode: "system" }, state.cpu.system / 1e6]]
  },
  {
    name: "geodns_process_event_loop_lag_seconds",
    help: "How late the event loop was within the last one to two minutes",
    samples: [[{ quantile: "0.99" }, state.lag.p99], [{ quantile: "1" }, state.lag.max]]
  }
]

/** Milliseconds between two looks at the event loop. */
const resolution = 20

const seconds = (nanoseconds: number): number =>
  Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - resolution / 1000) : 0

/** Watches the event loop while the scope is open, in windows of a minute: every reader sees the same, however often it asks. */
export const watchEventLoop: Effect.Effect<Effect.Effect<ProcessState["lag"]>, never, Scope.Scope> = Effect.gen(
  function*() {
    const current = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const histogram = monitorEventLoopDelay({ resolution })
        histogram.enable()
        return histogram
      }),
      (histogram) => Effect.sync(() => void histogram.disable())
    )
    const read = () => ({ max: seconds(current.max), p99: seconds(current.percentile(99)) })
    let before = { max: 0, p99: 0 }
    yield* Effect.sleep("1 minute").pipe(
      Effect.andThen(Effect.sync(() => {
        before = read()
        current.reset()
      })),
      Effect.forever,
      Effect.forkScoped
    )
    return Effect.sync(() => {
      const now = read()
      return { max: Math.max(before.max, now.max), p99: Math.max(before.p99, now.p99) }
    })
  }
)
