import { suggestion } from "../config/nearest.ts"
import { formatFound } from "../config/Problem.ts"
import type { Catalog } from "../domain/Catalog.ts"
import type { Local } from "../domain/documents/Local.ts"
import { TargetOptions } from "./options.ts"
import type { Probe } from "./Probe.ts"

/** Something in the options of a check that is probably not meant, and keeps it from nothing. */
export interface OptionRemark {
  readonly path: ReadonlyArray<PropertyKey>
  readonly expected: string
  readonly found: string
  readonly hint?: string
}

const hinted = (hint: string | undefined) => hint !== undefined && { hint }

/** The options at `path` that a probe does not read. */
export const unreadOptions = (
  path: ReadonlyArray<PropertyKey>,
  { name, options: own }: Probe,
  options: Readonly<Record<string, unknown>>,
  ofTargets: ReadonlyArray<string> = []
): ReadonlyArray<OptionRemark> => {
  if (own === undefined) return []
  const known = new Set([...own, ...ofTargets])
  return Object.keys(options).filter((key) => !known.has(key)).map((key): OptionRemark => ({
    path: [...path, key],
    expected: `an option of the probe ${name}`,
    found: "one that nothing reads",
    ...hinted(suggestion(key, known) ?? `known: ${[...known].join(", ")}`)
  }))
}

/** What is odd about the options of the enabled checks: those that nothing reads, and service types that nothing has. */
export const optionRemarks = (
  local: Local,
  { services }: Catalog,
  probes: ReadonlyMap<string, Probe>
): ReadonlyArray<OptionRemark> => {
  const types = new Map(
    services.map(({ service: { Configuration: { ServiceType } } }) => [ServiceType.toUpperCase(), ServiceType] as const)
  )
  const ofTargets = Object.keys(TargetOptions.fields)
  return local.Checks.flatMap(({ Enabled, ExtraOptions, Name }, i) => {
    const settings = Object.hasOwn(local.GeoDNS.Checks, Name) ? local.GeoDNS.Checks[Name] : undefined
    const probe = probes.get(settings?.Probe ?? Name)
    if (!Enabled || probe === undefined) return []
    const path = ["Checks", i, "ExtraOptions"]
    const { ServiceTypes } = ExtraOptions
    const wanted: ReadonlyArray<unknown> = Array.isArray(ServiceTypes) && types.size > 0 ? ServiceTypes : []
    return [
      ...unreadOptions(path, probe, ExtraOptions, ofTargets),
      ...wanted.flatMap((type, j): ReadonlyArray<OptionRemark> =>
        typeof type !== "string" || types.has(type.toUpperCase()) ? [] : [{
          path: [...path, "ServiceTypes", j],
          expected: "the ServiceType of an active service",
          found: formatFound(type),
          ...hinted(suggestion(type, types.values()))
        }]
      )
    ]
  })
}
