import { assert, expect, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { busRoles, permissionsOf } from "../../src/bus/Permissions.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { startNatsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"

const config = readFileSync(resolve(import.meta.dirname, "../../deploy/nats-server.conf"), "utf8")
  .replaceAll(/\$NATS_(\w+)_PASSWORD/g, (_, role: string) => JSON.stringify(`of-${role.toLowerCase()}`))

const usageAnswer = `${Subject.UsagePages.name}.abc`
const inbox = "_INBOX.answer"
const {
  Abstain,
  Cast,
  Certificates,
  Cluster,
  Finalize,
  GetDowntime,
  GetUsage,
  MoreUsage,
  Override,
  OverrideDigest,
  Propose,
  Status,
  UsageData
} = Subject

const decisions = [Propose.name, Cast.name, Abstain.name, Finalize.name]
const everywhere = [Cluster.name, OverrideDigest.name, Status.name, Certificates.name]
const heardEverywhere = [...everywhere, ...decisions, Override.name, inbox]

/** What each role has to say and to hear, by docs/wire.md, and what it is asked. */
const needs: Readonly<Record<string, Readonly<Record<"says" | "hears" | "answers", ReadonlyArray<string>>>>> = {
  monitor: {
    says: [...everywhere, ...decisions, Override.name, inbox],
    hears: [...heardEverywhere, GetDowntime.name, "agent.report.>"],
    answers: [GetDowntime.name, Status.name]
  },
  dns: {
    says: [...everywhere, UsageData.name, usageAnswer, inbox],
    hears: [...heardEverywhere, GetUsage.name, MoreUsage.name],
    answers: [GetUsage.name, MoreUsage.name, Status.name]
  },
  collator: {
    says: [...everywhere, Override.name, GetUsage.name, MoreUsage.name, GetDowntime.name, inbox],
    hears: [...heardEverywhere, UsageData.name, usageAnswer],
    answers: [Status.name]
  },
  shadow: { says: [Status.name, Certificates.name], hears: heardEverywhere, answers: [] },
  agent: { says: ["agent.report.fuji"], hears: [inbox], answers: [] }
}

/** All that somebody says; and what nobody has to. */
const all = new Set([
  ...Object.values(needs).flatMap(({ says }) => says),
  "monitor.stats.downtimeData",
  "agent.report.fuji",
  "consensus.other",
  "geodns.v1.lease.alerts",
  "of.somebody.else",
  inbox,
  usageAnswer
])

const login = (url: string, role: string) => connect({ servers: url, user: role, pass: `of-${role}` })

/** A client of a role, and what the broker refused it. */
const watched = async (url: string, role: string) => {
  const client = await login(url, role)
  const refused: Array<string> = []
  const watching = (async () => {
    for await (const status of client.status()) if (status.type === "error") refused.push(String(status.error))
  })()
  const close = async () => {
    await client.close()
    await watching
  }
  return { client, refused, close }
}

describeWith(nats, "the example configuration of the broker", () => {
  it("lets each role say and hear what it needs and nothing else, and nobody but monitors propose, vote and decide", async () => {
    await using server = await startNatsServer({ config })
    for (const [role, { hears, says }] of Object.entries(needs)) {
      const { client, close, refused } = await watched(server.url, role)
      try {
        for (const subject of hears) client.subscribe(subject, { callback: () => undefined })
        for (const subject of says) client.publish(subject, "{}")
        // Refusals come in the order of what was said: when these are there, there are no others to come.
        const forbidden = [...all].filter((subject) => !says.includes(subject))
        for (const subject of forbidden) client.publish(subject, "{}")
        await client.flush()
        await expect.poll(() => refused.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(forbidden.length)
        assert.lengthOf(refused, forbidden.length, `${role}: ${refused.join("; ")}`)
        forbidden.forEach((subject, i) => assert.include(refused[i], `"${subject}"`, role))
      } finally {
        await close()
      }
    }
  })

  it("has the users that geodns nats-permissions prints", () => {
    const lists = [...config.matchAll(/(publish|subscribe): \[([^\]]*)\]/g)]
      .map(([, of, list]) => [of, [...list!.matchAll(/"([^"]*)"/g)].map(([, subject]) => subject).sort()])
    assert.deepStrictEqual([...config.matchAll(/user: "(.*)"/g)].map(([, role]) => role), [...busRoles])
    assert.deepStrictEqual(
      lists,
      busRoles.flatMap((role) => {
        const { publish, subscribe } = permissionsOf({ role })
        return [["publish", publish.toSorted()], ["subscribe", subscribe.toSorted()]]
      })
    )
  })

  it("lets nobody say what he may not by a question that wants its answer there", async () => {
    await using server = await startNatsServer({ config })
    for (const [role, { says }] of Object.entries(needs)) {
      const { client, close, refused } = await watched(server.url, role)
      try {
        // An agent hears nothing on which it could be asked.
        if (role === "agent") continue
        const question = role === "shadow" ? Status.name : Cluster.name
        const forbidden = [...all].filter((subject) => !says.includes(subject))
        client.subscribe(question, { callback: () => undefined })
        for (const subject of forbidden) {
          client.publish(question, "{}", { reply: subject })
          await client.flush()
          client.publish(subject, "{}")
        }
        await client.flush()
        await expect.poll(() => refused.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(forbidden.length)
        forbidden.forEach((subject, i) => assert.include(refused[i], `"${subject}"`, role))
      } finally {
        await close()
      }
    }
  })

  it("lets each role answer what it is asked, in as many pages as it takes", async () => {
    await using server = await startNatsServer({ config })
    const asker: Readonly<Record<string, string>> = {
      [Status.name]: "shadow",
      [GetDowntime.name]: "collator",
      [GetUsage.name]: "collator",
      [MoreUsage.name]: "collator"
    }
    for (const [role, { answers }] of Object.entries(needs)) {
      for (const subject of answers) {
        const { client, close, refused } = await watched(server.url, role)
        const question = await login(server.url, asker[subject]!)
        try {
          let got = 0
          const reply = subject === MoreUsage.name || subject === GetUsage.name ? usageAnswer : "_INBOX.question"
          question.subscribe(reply, { callback: () => void got++ })
          client.subscribe(subject, {
            callback: (_, message) => {
              for (let i = 0; i < 300; i++) client.publish(message.reply!, "{}")
            }
          })
          await Promise.all([client.flush(), question.flush()])
          question.publish(subject, "{}", { reply })
          await expect.poll(() => got, { timeout: 10_000 }).toBe(300)
          assert.deepStrictEqual(refused, [], `${role} on ${subject}`)
        } finally {
          await Promise.all([close(), question.close()])
        }
      }
    }
  })

  it("lets nobody in without a password", async () => {
    await using server = await startNatsServer({ config })
    const error: unknown = await connect({ servers: server.url, maxReconnectAttempts: 0 }).catch((error) => error)
    assert.match(String(error), /Authorization/i)
  })
})
