import { afterAll, beforeAll } from "vitest"
import { MariaDb } from "../servers/MariaDb.ts"
import { describeWith, mariadb } from "../servers/Server.ts"
import { alertStoreConformance } from "./AlertStore.conformance.ts"
import { newStores } from "./MariaDb.databases.ts"
import { outageStoreConformance } from "./OutageStore.conformance.ts"
import { pruneConformance } from "./prune.conformance.ts"
import { usageStoreConformance } from "./UsageStore.conformance.ts"

describeWith(mariadb, "the stores in MariaDB", () => {
  let server: MariaDb
  beforeAll(async () => {
    // Sessions are not in UTC there unless they say so.
    server = await MariaDb.create({ timeZone: "+05:30", arguments: ["--innodb-flush-log-at-trx-commit=2"] })
  }, 60_000)
  afterAll(() => server.destroy())
  const layer = newStores(() => server)
  // Each run of a property has a database of its own, which takes a while there.
  outageStoreConformance("in MariaDB", layer, 8)
  usageStoreConformance("in MariaDB", layer, 6)
  alertStoreConformance("in MariaDB", layer)
  pruneConformance("MariaDB", layer)
})
