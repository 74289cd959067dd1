import { alertStoreConformance } from "./AlertStore.conformance.ts"
import { implementations } from "./databases.ts"
import { outageStoreConformance } from "./OutageStore.conformance.ts"
import { usageStoreConformance } from "./UsageStore.conformance.ts"

for (const [name, layer] of implementations) {
  outageStoreConformance(name, layer)
  usageStoreConformance(name, layer)
  alertStoreConformance(name, layer)
}
