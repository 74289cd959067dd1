import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { rawMember, rawService } from "../monitor/documents.ts"
import { httpServer } from "../monitor/servers.ts"
import { temporaryFolder } from "./geodns.ts"
import { command } from "./inProcess.ts"

/** Documents of two members: one whose server answers, and one where nobody listens. */
const folder = Effect.fnUntraced(function*(port: number, checks: ReadonlyArray<object> = []) {
  const path = yield* temporaryFolder
  const write = (name: string, value: unknown) => writeFileSync(join(path, name), JSON.stringify(value))
  write("local.json", {
    System: { ConfigUrls: { MembersConfig: "members.json", ServicesConfig: "services.json" } },
    Checks: [
      { Name: "http", Enabled: 1, CheckType: "endpoint", Timeout: 5, minimumInterval: 10 },
      ...checks
    ]
  })
  write("members.json", {
    harbour: rawMember({ name: "Harbour", services: ["s"], ipv4: "127.0.1.7" }),
    lagoon: rawMember({ name: "Lagoon", services: ["s"], ipv4: "127.0.1.99" })
  })
  write("services.json", { s: rawService({ urls: [`http://rpc.example:${port}/good`] }) })
  return join(path, "local.json")
})

describe("geodns monitor --once", () => {
  it.live("runs every check once, without a broker, and prints what it sees", () =>
    Effect.gen(function*() {
      const { accepted, port } = yield* httpServer((_, response) => response.end("ok"))
      const config = yield* folder(port)
      const { ok, stderr, stdout } = yield* command(["monitor", "--once", "--config", config])
      assert.isFalse(ok, "something is down")
      const [title, first, second] = stdout.split("\n")
      assert.match(title!, /MEMBER +CHECK +IP +MS +ERROR/)
      assert.match(first!, /^down +Lagoon +http http:\/\/rpc\.example:\d+\/good +v4 +\d+ +\S/)
      assert.match(second!, /^up +Harbour +http http:\/\/rpc\.example:\d+\/good +v4 +\d+$/)
      assert.include(stdout, "2 targets: 1 up, 1 down")
      assert.include(stderr, "1 target down")
      assert.strictEqual(accepted(), 1)
    }))

  it.live("prints the same as JSON, with what was measured", () =>
    Effect.gen(function*() {
      const { port } = yield* httpServer((_, response) => response.end("ok"))
      const config = yield* folder(port, [{ Name: "nothing", Enabled: 1, CheckType: "site" }])
      const { ok, stderr, stdout } = yield* command(["monitor", "--once", "--json", "--config", config])
      assert.isFalse(ok)
      assert.include(stderr, "1 target down, 1 problem of the checks")
      const { problems, reach, results } = JSON.parse(stdout)
      assert.strictEqual(problems[0].about, "check nothing")
      assert.include(["loopback", "all"], reach.ipv4)
      const harbour = results.find((result: any) => result.member === "Harbour")
      assert.deepInclude(harbour, { check: "http", up: true, error: "", ipv6: false, checkType: "endpoint" })
      assert.isAtLeast(harbour.latency, 0)
      assert.match(harbour.at, /^\d{4}-.*Z$/)
      assert.deepInclude(results.find((result: any) => result.member === "Lagoon"), { up: false })
    }))

  it.live("ends well when all is up, and says what is wrong with its arguments or documents", () =>
    Effect.gen(function*() {
      const { port } = yield* httpServer((_, response) => response.end("ok"))
      const config = yield* folder(port)
      writeFileSync(
        join(config, "../members.json"),
        JSON.stringify({ harbour: rawMember({ name: "Harbour", services: ["s"], ipv4: "127.0.1.7" }) })
      )
      const good = yield* command(["monitor", "--once", "--config", config])
      assert.isTrue(good.ok, good.stderr)
      // A single run learns nothing of agents, which is no failure
      const local = JSON.parse(readFileSync(config, "utf8"))
      local.Checks.push({ Name: "heartbeat", Enabled: 1, CheckType: "site" })
      writeFileSync(config, JSON.stringify(local))
      const more = yield* command(["monitor", "--once", "--config", config])
      assert.isTrue(more.ok, more.stderr)
      assert.match(
        more.stdout,
        /^- +Harbour +heartbeat +\S* *v4 +a single run hears no agents: ask a running monitor, /m
      )
      assert.include(more.stdout, "2 targets: 1 up, 0 down, 1 left out")
      const json = yield* command(["monitor", "--once", "--json", "--config", config])
      const results: ReadonlyArray<any> = JSON.parse(json.stdout).results
      assert.match(results.find(({ check }) => check === "heartbeat").leftOut, /^a single run hears no agents/)
      const alone = yield* command(["monitor", "--json", "--config", config])
      assert.isFalse(alone.ok)
      assert.include(alone.stderr, "--json goes with --once")
      const missing = yield* command(["monitor", "--once", "--config", "/nowhere/local.json"])
      assert.isFalse(missing.ok)
      assert.include(missing.stderr, "/nowhere/local.json")
    }))
})
