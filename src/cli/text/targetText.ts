import type { Target } from "../../domain/Target.ts"

/** What is looked at: `wss wss://rpc.example/kusama`, `ssl rpc.example`, `ping` for the site as a whole. */
export const whatText = ({ check, domain, endpoint }: Target): string => {
  const where = endpoint === "" ? domain : endpoint
  return where === "" ? `${check} (site)` : `${check} ${where}`
}

/** `v4` or `v6`. */
export const familyText = ({ ipv6 }: Target): string => ipv6 ? "v6" : "v4"

/** Who voted what: `yes a, b; no c`. */
export const votesText = ({ no, yes }: { readonly yes: ReadonlyArray<string>; readonly no: ReadonlyArray<string> }) =>
  [
    ...yes.length === 0 ? [] : [`yes ${yes.join(", ")}`],
    ...no.length === 0 ? [] : [`no ${no.join(", ")}`]
  ].join("; ")
