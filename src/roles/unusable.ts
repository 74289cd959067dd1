import * as Result from "effect/Result"
import { parseNatsAddress } from "../bus/NatsAddress.ts"
import { natsOptions } from "../bus/NatsOptions.ts"
import type { Problem } from "../config/Problem.ts"
import type { LocalPart } from "../config/usedSettings.ts"
import type { Local } from "../domain/documents/Local.ts"
import { storeDriver } from "../domain/documents/storeDriver.ts"
import { mysqlConfig } from "../store/mysqlConfig.ts"

const error = (problem: Omit<Problem, "document" | "severity">): Problem => ({
  severity: "error",
  document: "local",
  ...problem
})

/** An address may hold a password: it is told by its place in the list. */
const brokerProblems = (local: Local): ReadonlyArray<Problem> =>
  natsOptions(local, (path) => path).servers.flatMap((server, i) =>
    parseNatsAddress(server) === undefined
      ? [error({
        path: "Nats.Url",
        expected: "nats://host:port or tls://host:port, or several with commas",
        found: `something else as entry ${i + 1}`
      })]
      : []
  )

const databaseProblems = (local: Local): ReadonlyArray<Problem> =>
  storeDriver(local) !== "mysql" ? [] : Result.match(mysqlConfig(local), {
    onSuccess: () => [],
    onFailure: (hint) => [error({ path: "Mysql", expected: "a server, a user and a database", found: "less", hint })]
  })

/** It may hold a password, so it is not shown. */
const homeserverProblems = ({ Matrix: { HomeServerURL } }: Local): ReadonlyArray<Problem> =>
  HomeServerURL === "" || URL.canParse(HomeServerURL) && /^https?:$/.test(new URL(HomeServerURL).protocol) ?
    [] :
    [error({
      path: "Matrix.HomeServerURL",
      expected: "an http or https URL, as https://matrix.example",
      found: "something else",
      hint: "write https:// before the host; no alert arrives by Matrix"
    })]

/** What nobody can reach a broker, a database or a home server by, for those who use them (`uses`). None of them is asked. */
export const unusableSettings = (local: Local, uses: ReadonlyArray<LocalPart>): ReadonlyArray<Problem> => [
  ...uses.includes("Nats") ? brokerProblems(local) : [],
  ...uses.includes("Mysql") ? databaseProblems(local) : [],
  ...uses.includes("Matrix") ? homeserverProblems(local) : []
]
