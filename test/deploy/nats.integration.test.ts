import { assert, expect, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { startNatsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"

const config = readFileSync(resolve(import.meta.dirname, "../../deploy/nats-server.conf"), "utf8")
  .replaceAll(/\$NATS_(\w+)_PASSWORD/g, (_, role: string) => JSON.stringify(`of-${role.toLowerCase()}`))

const inbox = "_INBOX.answer"
const { Cast, Cluster, Finalize, GetDowntime, GetUsage, Override, Propose, Status, UsageData } = Subject

const everywhere = [Cluster.name, Override.name, Status.name, inbox]

/** What each role has to say and to hear, by docs/wire.md. */
const needs: Readonly<Record<string, { readonly says: ReadonlyArray<string>; readonly hears: ReadonlyArray<string> }>> =
  {
    monitor: {
      says: [...everywhere, Propose.name, Cast.name, Finalize.name],
      hears: [...everywhere, Propose.name, Cast.name, Finalize.name, GetDowntime.name, "agent.report.>"]
    },
    dns: {
      says: [...everywhere, UsageData.name],
      hears: [...everywhere, Propose.name, Cast.name, Finalize.name, GetUsage.name]
    },
    collator: {
      says: [...everywhere, GetUsage.name, GetDowntime.name],
      hears: [...everywhere, Propose.name, Cast.name, Finalize.name, UsageData.name]
    },
    shadow: { says: [Status.name], hears: [...everywhere, Propose.name, Cast.name, Finalize.name] }
  }

describeWith(nats, "the example configuration of the broker", () => {
  it("lets each role say and hear what it needs, and nobody but monitors propose, vote and decide", async () => {
    await using server = await startNatsServer({ config })
    for (const [role, { hears, says }] of Object.entries(needs)) {
      const client = await connect({ servers: server.url, user: role, pass: `of-${role}` })
      const refused: Array<string> = []
      const watching = (async () => {
        for await (const status of client.status()) {
          if (status.type === "error") refused.push(String(status.error))
        }
      })()
      try {
        for (const subject of hears) client.subscribe(subject, { callback: () => undefined })
        for (const subject of says) client.publish(subject, "{}")
        // Refusals come in the order of what was said: when these are there, there are no others to come.
        const forbidden = [Propose.name, Cast.name, Finalize.name, "of.somebody.else"].filter((subject) =>
          !says.includes(subject)
        )
        for (const subject of forbidden) client.publish(subject, "{}")
        await client.flush()
        await expect.poll(() => refused.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(forbidden.length)
        assert.lengthOf(refused, forbidden.length, `${role}: ${refused.join("; ")}`)
        forbidden.forEach((subject, i) => assert.include(refused[i], `"${subject}"`, role))
      } finally {
        await client.close()
        await watching
      }
    }
  })

  it("lets nobody in without a password", async () => {
    await using server = await startNatsServer({ config })
    const error: unknown = await connect({ servers: server.url, maxReconnectAttempts: 0 }).catch((error) => error)
    assert.match(String(error), /Authorization/i)
  })
})
