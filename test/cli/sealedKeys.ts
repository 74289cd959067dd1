import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { newKeyFile } from "../../src/consensus/sealed/keyFile.ts"
import { formatRosterFile } from "../../src/consensus/sealed/rosterFile.ts"
import { temporaryFolder } from "./geodns.ts"

/** The cluster in the roster. */
export const cluster = "test"

/** A roster of these monitors, and a file with the key of each. */
export const makeKeys = Effect.fnUntraced(function*(monitors: ReadonlyArray<string>) {
  const folder = yield* temporaryFolder
  const keyFile = (id: string) => monitors.includes(id) ? join(folder, `${id}.key`) : undefined
  const members = yield* Effect.forEach(monitors, (id) =>
    Effect.map(
      newKeyFile(keyFile(id)!),
      ({ publicKey }) => ({ id, key: publicKey, role: "IBPMonitor", ipv6: false }) as const
    ))
  const roster = join(folder, "roster.json")
  writeFileSync(roster, formatRosterFile({ cluster, epoch: 1, minEpoch: 1, members }))
  return { roster, keyFile }
})
