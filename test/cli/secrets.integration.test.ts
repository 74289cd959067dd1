import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { MemberServers } from "../../src/demo/MemberServers.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { run } from "./geodns.ts"
import { get, makeNetwork, type Node, post, waitForCondition, waitForStatus } from "./network.ts"

/** One for every place of the documents where a secret can stand, told apart by its end. */
const planted = (where: string): string => `planted-secret-in-${where}`

/** Routes that tell something. */
const routes = [
  "/",
  "/health",
  "/ready",
  "/metrics",
  "/results",
  "/results?source=local",
  "/api/status",
  "/api/overrides",
  "/api/log?follow=false",
  "/api/openapi.json",
  "/nowhere"
]

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

describeWith(nats, "secrets", () => {
  it.live("stand in no log, error, answer, metric or file, whatever goes wrong", () =>
    Effect.gen(function*() {
      const broker = yield* natsServer({
        config: `authorization { user: geodns, password: "${planted("Nats.Pass")}" }`
      })
      const members = yield* MemberServers
      let folder = ""
      const network = yield* makeNetwork({
        nats: broker.url,
        memberPort: members.port,
        nodes: { "monitor-eu": "monitor", "monitor-us": "monitor", "dns-eu": "dns", "collator-1": "collator" },
        change: (local, id, directory) => {
          folder = directory
          writeFileSync(join(directory, "pass"), `${planted("Nats.Pass")}\n`)
          local.System.LogLevel = "Debug"
          // A node with a wrong password, and a URL that holds one.
          local.Nats = id === "monitor-us"
            ? { ...local.Nats, Url: broker.url.replace("nats://", `nats://geodns:${planted("Nats.Url")}@`) }
            : { ...local.Nats, User: "geodns", Pass: "file:pass" }
          local.System.ConfigUrls.ServicesRequestsConfig = `http://user:${
            planted("ConfigUrls")
          }@127.0.0.1:9/requests.json`
          local.System.ConfigUrls.AlertsConfig = `http://127.0.0.1:9/alerts.json?token=${planted("query")}`
          local.Mysql = {
            Host: id === "collator-1" ? "127.0.0.1" : "",
            Port: "9",
            User: "geodns",
            Pass: planted("Mysql.Pass"),
            DB: "geodns"
          }
          local.Maxmind = { ...local.Maxmind, LicenseKey: planted("Maxmind") }
          local.Matrix = { Password: planted("Matrix") }
          for (const api of ["MonitorApi", "DnsApi", "CollatorApi"]) {
            local[api] = { ...local[api], AuthKeys: { reader: planted(api) } }
          }
          local.MgmtApi = { AuthKeys: { operator: planted("MgmtApi") } }
          local.GeoDNS.Alerts = { Webhooks: [{ Url: "https://hooks.example/x", Secret: planted("Webhook") }] }
        }
      })
      const [eu, us, dns, collator] = network as [Node, Node, Node, Node]
      const said: Array<readonly [string, string]> = []
      const running = yield* Effect.forEach(network, (node) => node.start)
      assert.match(yield* waitForCondition(us, "bus"), /refuse|authori/i)
      yield* waitForCondition(collator, "store")
      yield* waitForStatus(dns, "hears the others", ({ nodes }) => nodes.total >= 2)
      // Wrong and right keys, and a reload that fails.
      for (const key of [planted("MgmtApi").slice(0, -1), planted("DnsApi"), planted("MgmtApi")]) {
        const { body } = yield* post(dns, "/api/overrides", { kind: "override", member: "nobody", reason: "x" }, key)
        said.push(["POST /api/overrides", JSON.stringify(body)])
      }
      const path = join(folder, "monitor-eu.json")
      const document = JSON.parse(readFileSync(path, "utf8"))
      writeFileSync(path, JSON.stringify({ ...document, Nats: { ...document.Nats, Pass: { not: planted("type") } } }))
      yield* running[0]!.kill("SIGHUP")
      yield* waitForCondition(eu, "config:local")
      for (const node of network) {
        for (const route of routes) {
          said.push([
            `${node.id} ${route}`,
            (yield* get(`${node.url}${route}`))?.text ?? assert.fail(`${route}: no answer`)
          ])
        }
      }
      for (const id of ["monitor-eu", "collator-1"]) {
        for (const json of [[], ["--json"]]) {
          const { stderr, stdout } = yield* run("config", "check", join(folder, `${id}.json`), ...json)
          said.push([`config check ${id}`, stdout + stderr])
        }
      }
      const outages = yield* run("outages", "--config", join(folder, "collator-1.json"))
      assert.strictEqual(outages.code, 1)
      said.push(["outages", outages.stdout + outages.stderr])
      for (const [i, geodns] of running.entries()) {
        yield* geodns.kill("SIGTERM")
        const { stderr, stdout } = yield* geodns.ended
        said.push([`${network[i]!.id} log`, stdout + stderr])
      }
      for (const node of network) {
        for (const file of filesBelow(node.directory)) {
          said.push([file.slice(dirname(folder).length), readFileSync(file, "latin1")])
        }
      }

      assert.isAbove(said.length, 60)
      const found = said.flatMap(([where, text]) =>
        [...text.matchAll(/planted-secret-in-[\w.]*/g)].map(([secret]) => `${where}: ${secret}`)
      )
      assert.deepStrictEqual(found, [])
    }).pipe(Effect.provide(Layer.fresh(MemberServers.layer)), Effect.scoped), 120_000)
})
