import * as Context from "effect/Context"
import type { Outage } from "../domain/Outage.ts"
import type { Severity } from "./AlertMessage.ts"

/** What alerts have to know of the network around an outage. Synchronous: of the documents as they are now. */
export interface Surroundings {
  /** How bad it is that these are out, beside all that is open now. */
  readonly severity: (outages: ReadonlyArray<Outage>, open: ReadonlyArray<Outage>) => Severity
  /** Whether an outage that opens belongs into the thread that `lead` began. */
  readonly belongs: (lead: Outage, outage: Outage) => boolean
}

/** Of nothing: every outage is a thread of its own, and a warning. `documentContext` knows the documents. */
export const AlertContext = Context.Reference<Surroundings>("effect-geodns/alerts/AlertContext", {
  defaultValue: () => ({ severity: () => "warning", belongs: () => false })
})
