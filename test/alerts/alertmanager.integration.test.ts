import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { alertmanagerBoard, type Standing } from "../../src/alerts/index.ts"
import { type Alertmanager, startAlertmanager } from "../servers/Alertmanager.ts"
import { alertmanager, describeWith } from "../servers/Server.ts"
import { outage } from "./samples.ts"

const boardOf = (url: string, dashboard = "https://status.example/") =>
  alertmanagerBoard({ name: "alertmanager", url, interval: 15, dashboard, allowed: [] })

const until = async <A>(what: string, look: () => Promise<A>, holds: (value: A) => boolean): Promise<A> => {
  const deadline = performance.now() + 10_000
  while (true) {
    const value = await look()
    if (holds(value)) return value
    if (performance.now() > deadline) throw new Error(`${what}: ${JSON.stringify(value)}`)
    await sleep(20)
  }
}

const outagesOf = async (server: Alertmanager) =>
  (await server.alerts()).filter(({ labels }) => labels["alertname"] === "GeoDNSOutage")

describeWith(alertmanager, "a real Alertmanager", () => {
  it("gets one alert per target, whose fingerprint is the same from first to last, and the switch of the dead man", async () => {
    await using server = await startAlertmanager()
    const show = (...standing: ReadonlyArray<Standing>) => Effect.runPromise(boardOf(server.url).show(standing))
    const start = Date.now() - 60_000
    const it = outage("o1", { start, error: "connection refused" })
    await show({ outage: it, state: "open", severity: "warning" })
    const [first] = await until("the alert", () => outagesOf(server), (all) => all.length === 1)
    assert.deepStrictEqual(first!.labels, {
      alertname: "GeoDNSOutage",
      member: "Potomac Works",
      check: "o1",
      check_type: "endpoint",
      domain: "rpc.example",
      endpoint: "wss://rpc.example/kusama",
      ip_version: "4"
    })
    assert.strictEqual(first!.annotations["error"], "connection refused")
    assert.strictEqual(first!.annotations["severity"], "warning")
    assert.strictEqual(first!.annotations["votes"], "2 of 2")
    assert.strictEqual(first!.generatorURL, "https://status.example/")
    assert.strictEqual(Date.parse(first!.startsAt), start)
    assert.isAbove(Date.parse(first!.endsAt), Date.now() + 5 * 60_000)
    assert.sameMembers((await server.alerts()).map(({ labels }) => labels["alertname"]), [
      "GeoDNSOutage",
      "DeadMansSwitch"
    ])

    // Other words and another severity are the same alert.
    await show({ outage: { ...it, error: "timeout after 10 s", votes: {} }, state: "open", severity: "critical" })
    const [second] = await until(
      "the other words",
      () => outagesOf(server),
      (all) => all[0]?.annotations["severity"] === "critical"
    )
    assert.strictEqual(second!.fingerprint, first!.fingerprint)
    assert.strictEqual(second!.startsAt, first!.startsAt)

    await show({ outage: { ...it, end: Date.now() - 1_000 }, state: "resolved", severity: "warning" })
    await until("the end", () => outagesOf(server), (all) => all.length === 0)
    assert.lengthOf(await server.alerts(), 1)

    // The next outage of the target has the same fingerprint; the end of the one before, which is repeated, does not end it.
    const next = outage("o2", { start: Date.now() }, { check: "o1" })
    await show(
      { outage: next, state: "open", severity: "warning" },
      { outage: { ...it, end: Date.now() - 1_000 }, state: "resolved", severity: "warning" }
    )
    const [third] = await until("the next", () => outagesOf(server), (all) => all.length === 1)
    assert.strictEqual(third!.fingerprint, first!.fingerprint)
    assert.strictEqual(third!.annotations["outage"], "o2")
  })

  it("takes all that it can, whatever else is wrong", async () => {
    await using server = await startAlertmanager()
    const now = Date.now()
    const standing = (id: string, start: number): Standing => ({
      outage: outage(id, { start }),
      state: "open",
      severity: "warning"
    })
    // The clock of who saw it is ahead, and there is no such dashboard.
    await Effect.runPromise(
      boardOf(server.url, "status page").show([standing("ahead", now + 600_000), standing("o1", now - 1_000)])
    )
    await until("both", () => outagesOf(server), (all) => all.length === 2)
  })

  it("gets a thousand at once, and when it was away all that is open", async () => {
    await using away = await startAlertmanager()
    const board = boardOf(away.url)
    const standing = Array.from({ length: 1_200 }, (_, i): Standing => ({
      outage: outage(`o${i}`, { start: Date.now() - 1_000 }),
      state: "open",
      severity: "warning"
    }))
    await away.kill()
    const error = await Effect.runPromise(Effect.flip(board.show(standing)))
    assert.match(error.problem, /^127\.0\.0\.1:\d+: connection refused$/)
    await away.restart()
    await Effect.runPromise(board.show(standing))
    await until("all of them", () => outagesOf(away), (all) => all.length === 1_200)
  })
})
