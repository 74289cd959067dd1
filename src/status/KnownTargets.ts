import * as Context from "effect/Context"
import type { Snapshot } from "../config/Snapshot.ts"
import { isServed } from "../domain/Catalog.ts"
import type { Target } from "../domain/Target.ts"

/**
 * Which targets the configuration still knows: of others the official status is forgotten and outages end, since nobody
 * will decide on them again. By default those that members serve, whatever their check: another node may check them.
 */
export const KnownTargets = Context.Reference<(snapshot: Snapshot) => (target: Target) => boolean>(
  "effect-geodns/status/KnownTargets",
  { defaultValue: () => ({ catalog }) => (target) => isServed(catalog, target) }
)
