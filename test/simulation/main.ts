import { parseArgs } from "node:util"
import { type Mode, modes } from "./plan/Mode.ts"
import { simulateSeeds } from "./simulateSeeds.ts"
import { tiers } from "./tier.ts"

const options = {
  seeds: { type: "string", default: "1000" },
  from: { type: "string", default: "1" },
  tier: { type: "string", default: "core" },
  mode: { type: "string" },
  kind: { type: "string" },
  workers: { type: "string" },
  failures: { type: "string", default: "20" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false }
} as const

const usage = `npm run simulate -- [--seeds N] [--from S] [--tier TIER] [--mode MODE] [--kind KIND]
                    [--workers N] [--failures N] [--json]

Plays simulated clusters, and checks what docs/consensus.md promises of them. All that happens in one follows from its seed.

  --seeds N     how many seeds are played (default ${options.seeds.default})
  --from S      the first seed (default ${options.from.default})
  --tier TIER   what is played (default ${options.tier.default}): core, the pure cores of consensus alone, tens of thousands a minute; cluster, whole
                clusters of the real services, hundreds
  --mode MODE   how the clusters decide: ${modes.join(", ")} (default: each seed has one of them in turn).
                roster is the mode open with a roster for its electorate
  --kind KIND   what happens (default chaos): chaos, where everything goes wrong that the mode promises to stand; fine, the same, but
                members are fine, and a majority always sees that; outage, one outage in a good network, to measure how long it takes
  --workers N   threads that play (default: one for each core)
  --failures N  begin no new seeds once so many have failed (default ${options.failures.default})
  --json        print one JSON document instead of text
  --help        print this

A seed that fails is told as a story, as short as it can be made. To play it again: --from SEED --seeds 1, with its --mode, --tier
and --kind. Exit codes: 0 all properties hold, 1 a seed failed, 2 the command line is not one.`

const fail = (problem: string): never => {
  console.error(`${problem}\n\n${usage}`)
  process.exit(2)
}

const read = () => {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}
const values = read()
if (values.help) {
  console.log(usage)
  process.exit(0)
}

const whole = (name: string, text: string): number => {
  const number = Number(text)
  return Number.isSafeInteger(number) && number >= 0 ? number : fail(`--${name} ${text} is not a whole number`)
}
const seeds = whole("seeds", values.seeds)
if (seeds === 0) fail("--seeds 0 plays nothing")
const from = whole("from", values.from)
const load = tiers.get(values.tier) ?? fail(`there is no tier ${values.tier}`)
const { tier } = await load()
const mode = values.mode as Mode | undefined
if (mode !== undefined && !tier.modes.includes(mode)) fail(`the tier ${values.tier} has no mode ${mode}`)
const kind = values.kind ?? tier.kinds[0]!
if (!tier.kinds.includes(kind)) fail(`the tier ${values.tier} has no kind ${kind}; there are ${tier.kinds.join(", ")}`)

const isTerminal = process.stderr.isTTY && !values.json
const began = performance.now()
const { counts, failed, latencies, played } = await simulateSeeds(
  { tier: values.tier, mode, kind, from, count: seeds },
  {
    ...values.workers === undefined ? {} : { workers: whole("workers", values.workers) },
    maxFailed: Math.max(1, whole("failures", values.failures)),
    progress: (done, failures) => {
      if (!isTerminal) return
      const left = (performance.now() - began) / done * (seeds - done) / 1_000
      process.stderr.write(`\r${done} of ${seeds} seeds, ${failures} failed, ${Math.ceil(left)} s left   `)
    }
  }
)
if (isTerminal) process.stderr.write("\r\u001b[K")
const elapsed = (performance.now() - began) / 1_000

const sorted = latencies.toSorted((a, b) => a - b)
const at = (share: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!)
const measured = sorted.length === 0 ? undefined : {
  count: sorted.length,
  p50: at(0.5),
  p99: at(0.99),
  max: sorted.at(-1)!
}

if (values.json) {
  console.log(JSON.stringify({
    tier: values.tier,
    kind,
    mode: mode ?? "all",
    from,
    seeds: played,
    seconds: Number(elapsed.toFixed(1)),
    failed,
    counts: Object.fromEntries([...counts].sort()),
    ...measured !== undefined && kind === "outage" && { latency: measured }
  }))
} else {
  for (const { mode, seed } of failed.slice(0, 3)) {
    console.log(await tier.story(seed, mode, kind))
    console.log(
      `\nto play it again: npm run simulate -- --tier ${values.tier} --mode ${mode} --kind ${kind} --from ${seed} --seeds 1\n`
    )
  }
  for (const { mode, seed, violations } of failed.slice(3)) console.log(`seed ${seed}, mode ${mode}: ${violations[0]}`)
  console.log(
    `${played} seeds of tier ${values.tier} (${mode ?? "all modes"}, ${kind}) in ${elapsed.toFixed(1)} s: ` +
      (failed.length === 0 ? "all properties hold" : `${failed.length} failed`)
  )
  if (measured !== undefined && kind === "outage") {
    console.log(
      `from the first failing probe to the change at those who follow: median ${measured.p50} ms, p99 ${measured.p99} ms, ` +
        `at most ${Math.round(measured.max)} ms, of ${measured.count}`
    )
  }
}
process.exitCode = failed.length > 0 ? 1 : 0
