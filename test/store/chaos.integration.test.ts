import { assert, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll } from "vitest"
import type { Target } from "../../src/domain/Target.ts"
import type { Decision } from "../../src/status/Decision.ts"
import { MysqlClient, OutageStore, Store } from "../../src/store/index.ts"
import { MariaDb } from "../servers/MariaDb.ts"
import { describeWith, mariadb } from "../servers/Server.ts"
import { domainOf, keyOf, minimumOffline, randomOf, targetOf, totalsOf } from "./chaos.ts"
import { ChaosProcess } from "./chaosProcess.ts"

// CHAOS_SEED repeats the decisions and the moments of a run; CHAOS_SECONDS makes it longer.
const seed = Number(process.env["CHAOS_SEED"] ?? Math.floor(Math.random() * 1e9))
const seconds = Number(process.env["CHAOS_SECONDS"] ?? 60)

/** An outage as the decisions make it. */
interface Expected {
  readonly target: Target
  readonly start: number
  readonly votes: Decision["votes"]
  end: number | undefined
  closedBy?: string
}

/** What is decided on some targets, each down and up in turn. */
class Decisions {
  readonly outages = new Map<string, Expected>()
  private readonly all: Array<Decision> = []
  private readonly open = new Map<string, string>()
  private last = 0

  decide(target: Target, votes: Decision["votes"]): Decision {
    this.last = Math.max(Date.now(), this.last + 1)
    const opened = this.open.get(target.member)
    const up = opened !== undefined
    const id = `${target.member} ${this.all.length} ${up ? "up" : "down"}`
    const decision = { id, target, up, error: "no route", data: null, decidedAt: this.last, decidedBy: "m1", votes }
    this.all.push(decision)
    if (up) {
      Object.assign(this.outages.get(opened)!, { end: this.last, closedBy: id })
      this.open.delete(target.member)
    } else {
      this.outages.set(id, { target, start: this.last, end: undefined, votes })
      this.open.set(target.member, id)
    }
    return decision
  }

  /** One of the last decisions on a target. */
  earlier(target: Target, random: () => number): Decision | undefined {
    return this.all.filter((it) => it.target.member === target.member).at(-1 - Math.floor(random() * 6))
  }
}

describeWith(mariadb, "three processes that count and write outages, over a MariaDB that is killed and stopped", () => {
  const folder = mkdtempSync(join(tmpdir(), "geodns-chaos-"))
  const processes: Array<ChaosProcess> = []
  let server: MariaDb
  beforeAll(async () => {
    server = await MariaDb.create()
  }, 60_000)
  afterAll(async () => {
    for (const it of processes) it.destroy()
    rmSync(folder, { recursive: true, force: true })
    await server.destroy()
  })

  const openRows = () =>
    server.query<{ readonly target_key: string; readonly outage_id: string }>(
      "SELECT target_key, outage_id FROM member_events WHERE end_time IS NULL"
    )

  it(`lose nothing, double nothing and never have two open (CHAOS_SEED=${seed})`, async () => {
    const random = randomOf(seed)
    const between = (from: number, to: number) => from + (to - from) * random()
    const options = { folder, port: server.port, database: "geodns" }
    const [a, b, c] = ["node-a", "node-b", "node-c"].map((id) =>
      new ChaosProcess({ ...options, id, folder: join(folder, id) })
    ) as [ChaosProcess, ChaosProcess, ChaosProcess]
    processes.push(a, b, c)
    await Promise.all(processes.map((it) => it.start()))

    const began = Date.now()
    const history: Array<string> = []
    const note = (what: string) => void history.push(`${what} at ${Date.now() - began}`)
    const until = performance.now() + seconds * 1_000
    let kills = 0
    let stops = 0
    // A busy machine takes longer to bring the database back.
    const isOver = () => performance.now() >= until && kills >= 2 && stops >= 2
    const decisions = new Decisions()

    const decide = async () => {
      while (!isOver()) {
        await sleep(between(10, 150))
        const member = Math.floor(random() * 10)
        const votes = { m1: true, m2: random() < 0.9, m3: random() < 0.5 }
        const decision = decisions.decide(targetOf(`Member ${member}`), votes)
        // The first two follow the same decisions, as two collators do.
        const followers = member < 6 ? [a, b] : [c]
        for (const it of followers) {
          it.decide(decision)
          const late = random() < 0.1 ? decisions.earlier(decision.target, random) : undefined
          if (late !== undefined) it.repeat(late)
        }
      }
    }
    const deliver = async (to: ChaosProcess) => {
      while (!isOver()) {
        await sleep(between(0, 400))
        to.deliver()
      }
    }
    let looks = 0
    const look = async () => {
      while (!isOver()) {
        await sleep(100)
        const open = await openRows().catch(() => undefined)
        if (open === undefined) continue
        looks += 1
        assert.strictEqual(new Set(open.map((it) => it.target_key)).size, open.length, "two are open of one target")
      }
    }
    const restart = async (it: ChaosProcess) => {
      note(`kill of ${it.id}`)
      await it.kill()
      await it.start()
      note(`start of ${it.id}`)
    }
    const disturb = async () => {
      for (let i = 0; !isOver(); i++) {
        // What the first process counted in its last second may be lost: it must have counted for longer.
        await sleep(between(i === 0 ? 2_500 : 500, 4_000))
        // Mostly short, up to 10 seconds.
        note(i % 2 === 0 ? "kill" : "stop")
        const away = 200 + 9_800 * random() ** 2
        const during = sleep(away)
        if (i % 2 === 0) {
          await server.kill()
          kills += 1
        } else {
          server.pause()
          stops += 1
        }
        // While the database is away what is official is on the disk of the node and nowhere else.
        if (i === 0) await restart(a)
        if (i === 1) await restart(c)
        await during
        if (i % 2 === 0) await server.start()
        else server.resume()
        note("database back")
        if (i === 2) await restart(b)
      }
    }
    await Promise.all([decide(), deliver(a), deliver(b), deliver(c), look(), disturb()])
    for (const it of processes) it.deliver()
    await Promise.all(processes.map((it) => it.stop()))
    assert.isAtLeast(looks, 20)
    assert.isAtLeast(decisions.outages.size, 50)

    // Everything drains by itself.
    const expected = [...decisions.outages]
    const isDrained = async () => {
      const open = new Set((await openRows()).map((it) => it.outage_id))
      const [rows] = await server.query<{ readonly n: number }>("SELECT COUNT(*) AS n FROM member_events")
      return rows!.n >= expected.length && expected.every(([id, { end }]) => open.has(id) === (end === undefined))
    }
    const deadline = performance.now() + 90_000
    while (!await isDrained() && performance.now() < deadline) await sleep(200)
    assert.deepStrictEqual(await Promise.all(processes.map((it) => it.end())), [0, 0, 0])

    // Outages.
    const stored = await Effect.runPromise(
      OutageStore.use((store) => Stream.runCollect(store.find({}))).pipe(
        Effect.provide(Store.layerSql.pipe(Layer.provide(MysqlClient.layer(server.connection()))))
      )
    )
    const brief = (id: string, { end, start, target, votes }: Omit<Expected, "closedBy">, blip: boolean) =>
      `${id}: ${target.member} ${start - began} to ${end === undefined ? "now" : end - began}${
        blip ? ", a blip" : ""
      } ${JSON.stringify(Object.entries(votes).sort())}`
    const found = stored.map((it) => brief(it.id, it, it.blip))
    const wanted = expected.map(([id, it]) =>
      brief(id, it, it.end !== undefined && it.end - it.start < minimumOffline * 1_000)
    )
    const without = (some: ReadonlyArray<string>, others: ReadonlyArray<string>) => {
      const set = new Set(others)
      return some.filter((it) => !set.has(it))
    }
    assert.deepStrictEqual(
      { tooMuch: without(found, wanted), missing: without(wanted, found) },
      { tooMuch: [], missing: [] },
      `after ${history.join(", ")}`
    )
    assert.strictEqual(found.length, wanted.length)
    const decided = await server.query<
      { readonly outage_id: string; readonly up: number; readonly decision_id: string }
    >(
      "SELECT outage_id, up, decision_id FROM decisions"
    )
    assert.sameMembers(
      decided.map((it) => `${it.outage_id}: ${it.up} ${it.decision_id}`),
      expected.flatMap((
        [id, { closedBy }]
      ) => [`${id}: 0 ${id}`, ...(closedBy === undefined ? [] : [`${id}: 1 ${closedBy}`])])
    )

    // Usage.
    const rows = await server.query<{
      readonly node_id: string
      readonly domain_name: string
      readonly member_name: string
      readonly network_name: string
      readonly is_ipv6: number
      readonly hits: number
    }>("SELECT node_id, domain_name, member_name, network_name, is_ipv6, hits FROM requests")
    let checked = 0
    for (const { counted, id } of processes) {
      for (const [i, { atLeast, atMost }] of counted.entries()) {
        const what = `start ${i + 1} of ${id}`
        const own = rows.filter((it) => it.node_id.startsWith(`${id}~`) && it.domain_name === domainOf(i + 1))
        checked += own.length
        const total = own.reduce((sum, { hits }) => sum + hits, 0)
        assert.isAtLeast(total, atLeast, what)
        assert.isAtMost(total, atMost, what)
        // Not only their sum: each key has what it had when exactly so many were counted.
        const byKey = new Map<string, number>()
        for (const it of own) {
          const key = keyOf(it.member_name, it.network_name, it.is_ipv6 !== 0)
          byKey.set(key, (byKey.get(key) ?? 0) + it.hits)
        }
        assert.deepStrictEqual(new Map([...byKey].sort()), new Map([...totalsOf(i + 1, total)].sort()), what)
      }
    }
    assert.strictEqual(checked, rows.length, "usage of nobody")
    assert.deepStrictEqual(processes.map(({ counted }) => counted.length), [2, 2, 2])
    assert.isAtLeast(a.counted[0]!.atLeast, 1)
  }, (seconds + 180) * 1_000)
})
