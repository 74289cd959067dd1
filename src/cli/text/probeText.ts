import { formatHost } from "../../domain/ListenAddress.ts"
import { describeTarget } from "../../domain/Target.ts"
import type { Looked } from "../../monitor/lookOnce.ts"
import type { PlannedTarget } from "../../monitor/PlannedTarget.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"
import { table } from "./table.ts"

const millis = (ms: number): string => ms >= 100 ? ms.toFixed(0) : ms.toFixed(1)

/** Where a probe goes. Some know no ports. */
const whereText = ({ address, port }: PlannedTarget): string => port === 0 ? address : `${formatHost(address)}:${port}`

/** What one probe did, step by step, and what it found. */
export const probeText = (
  planned: PlannedTarget,
  { data, error, latency, steps, up }: Looked,
  { paint, room }: { readonly paint: Paint; readonly room: number | undefined }
): ReadonlyArray<string> => {
  const columns = [
    { title: "AT MS", right: true },
    { title: "TOOK MS", right: true },
    { title: "STEP" },
    { title: "ERROR" }
  ]
  const rows = steps.map((step) => [
    { text: millis(step.at) },
    { text: millis(step.took) },
    { text: step.name },
    { text: step.error, paint: paint.bad }
  ])
  const verdict = up === undefined
    ? paint.dim(`not tried: ${plain(error)}`)
    : up
    ? paint.good(`up after ${latency} ms`)
    : `${paint.bad(`down after ${latency} ms`)}: ${plain(error)}`
  return [
    paint.bold(plain(describeTarget(planned.target))),
    paint.dim(`${whereText(planned)}, at most ${planned.check.timeout / 1_000} s`),
    ...steps.length === 0 ? [] : ["", ...table(columns, rows, { room, title: paint.dim })],
    "",
    verdict,
    ...Object.entries(data ?? {}).map(([name, value]) => paint.dim(plain(`  ${name} ${JSON.stringify(value)}`)))
  ]
}
