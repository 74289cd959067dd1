import { Effect, Option } from "effect"
import type { Duration, Scope } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { localDocument } from "../../src/demo/documents.ts"
import { writeDemoFiles } from "../../src/demo/files.ts"
import { ask } from "../../src/dns/DnsClient.ts"
import type { StatusDocument } from "../../src/http/StatusDocument.ts"
import { eventually, type Geodns, start } from "./geodns.ts"
import { ownAddress } from "./operator.ts"

/** The key that opens the management API of all nodes of a test. */
export const managementKey = "a-management-key-of-a-test"

export type Role = "monitor" | "dns" | "collator"

const apiOf = { monitor: "MonitorApi", dns: "DnsApi", collator: "CollatorApi" } as const

/** A node as a process that can be ended and started again. */
export interface Node {
  readonly id: string
  readonly role: Role
  /** The base of its HTTP API. */
  readonly url: string
  /** Where it answers DNS. */
  readonly dns: { readonly server: string; readonly port: number }
  readonly directory: string
  readonly start: Effect.Effect<Geodns, never, Scope.Scope>
}

/** A folder with the documents of a network, whose members answer at `memberPort`. */
export const makeNetwork = Effect.fnUntraced(function*(options: {
  readonly nats: string
  readonly memberPort: number
  readonly nodes: Readonly<Record<string, Role>>
  /** Changes the local document of a node. */
  readonly change?: (local: any, id: string, directory: string) => void
}) {
  const ids = Object.keys(options.nodes)
  const files = yield* writeDemoFiles({ nodes: ids, memberPort: options.memberPort, dnsListen: "127.0.0.1:0" })
  return ids.map((id): Node => {
    const role = options.nodes[id]!
    const address = ownAddress()
    const document: any = localDocument({ nodeId: id, dnsListen: `${address}:5300` })
    const local = {
      ...document,
      System: {
        ...document.System,
        ConfigUrls: Object.fromEntries(
          [
            "StaticDNSConfig",
            "MembersConfig",
            "ServicesConfig",
            "IaasPricingConfig",
            "ServicesRequestsConfig",
            "AlertsConfig"
          ]
            .map((key) => [key, `${key}.json`])
        )
      },
      Nats: { NodeID: id, Url: options.nats },
      [apiOf[role]]: { ListenAddress: address, ListenPort: "6100" },
      MgmtApi: { AuthKeys: { operator: managementKey } }
    }
    options.change?.(local, id, files.directory)
    const path = files.local(id)
    writeFileSync(path, JSON.stringify(local, null, 2))
    return {
      id,
      role,
      url: `http://${address}:6100`,
      dns: { server: address, port: 5300 },
      directory: join(files.directory, id),
      start: start([role, "--config", path])
    }
  })
})

/** Asks a node over HTTP; undefined while it does not answer. */
export const get = (url: string): Effect.Effect<{ readonly status: number; readonly text: string } | undefined> =>
  Effect.promise(() =>
    fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
      async (response) => ({ status: response.status, text: await response.text() }),
      () => undefined
    )
  )

/** What a node knows of the whole; undefined while it does not answer. */
export const statusOf = (node: Node): Effect.Effect<StatusDocument | undefined> =>
  Effect.map(
    get(`${node.url}/api/status`),
    (answer) => answer?.status === 200 ? JSON.parse(answer.text) as StatusDocument : undefined
  )

/** Waits until the status document of a node is as it should be. */
export const waitForStatus = (
  node: Node,
  what: string,
  holds: (status: StatusDocument) => boolean,
  within?: Duration.Input
) =>
  eventually(
    `${node.id}: ${what}`,
    Effect.map(statusOf(node), (status) => status !== undefined && holds(status) ? Option.some(status) : Option.none()),
    within
  )

/** Waits until a condition of a node is raised, and gives its detail. */
export const waitForCondition = (node: Node, name: string) =>
  eventually(
    `${node.id} reports ${name}`,
    Effect.map(
      statusOf(node),
      (status) => Option.fromUndefinedOr(status?.conditions.items.find((condition) => condition.name === name)?.detail)
    )
  )

/** The address that a node answers a client in a network with; undefined when it gives none. */
export const answerOf = (node: Node, name: string, subnet: string): Effect.Effect<string | undefined> =>
  ask({ ...node.dns, name, type: "A", subnet, timeout: "2 seconds" }).pipe(
    Effect.map(({ answers }) => answers[0]?.data),
    Effect.catch(() => Effect.succeed(undefined))
  )

/** Waits until a node answers with something that passes. */
export const waitForAnswer = (
  node: Node,
  question: { readonly name: string; readonly subnet: string },
  what: string,
  passes: (address: string | undefined) => boolean,
  within?: Duration.Input
) =>
  eventually(
    `${node.id} answers ${question.name} ${what}`,
    Effect.map(answerOf(node, question.name, question.subnet), (address) =>
      passes(address) ? Option.some(address) : Option.none()),
    within
  )

/** The outages in the database of a collator, the oldest first. */
export const outageRows = (
  node: Node
): ReadonlyArray<{ readonly member: string; readonly check: string; readonly isOpen: boolean }> => {
  const database = new DatabaseSync(join(node.directory, "geodns.sqlite"), { readOnly: true })
  try {
    return database.prepare("SELECT member_name, check_name, end_time FROM member_events ORDER BY start_time, id").all()
      .map((row) => ({
        member: String(row["member_name"]),
        check: String(row["check_name"]),
        isOpen: row["end_time"] === null
      }))
  } finally {
    database.close()
  }
}

/** Gives a request with the management key. */
export const post = (node: Node, path: string, body: unknown, key: string | null = managementKey) =>
  Effect.promise(async () => {
    const response = await fetch(`${node.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...key !== null && { authorization: `Bearer ${key}` } },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000)
    })
    return { status: response.status, body: await response.json() as any }
  })
