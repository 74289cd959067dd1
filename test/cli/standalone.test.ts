import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { ask } from "../../src/dns/DnsClient.ts"
import { eventually, type Geodns, lines, run, start } from "./geodns.ts"
import { documentFiles, fixture, operatorFolder, ownAddress, quiet, serveFolder } from "./operator.ts"

/** What the documents say, read without the code under test: name → the addresses that it may be answered with. */
const expectedAddresses = (ipv6: boolean): ReadonlyMap<string, ReadonlySet<string>> => {
  const members = Object.values<any>(fixture(documentFiles["MembersConfig"]!))
  const expected = new Map<string, Set<string>>()
  for (const [key, service] of Object.entries<any>(fixture(documentFiles["ServicesConfig"]!))) {
    if (service.Configuration.Active !== 1) continue
    const addresses = members
      .filter((member) =>
        member.Service.Active === 1 && member.Membership.MemberLevel >= service.Configuration.LevelRequired &&
        Object.values<any>(member.ServiceAssignments).flat().includes(key)
      )
      .map((member) => ipv6 ? member.Service.ServiceIPv6 : member.Service.ServiceIPv4)
      .filter((address) => address !== "")
    for (const provider of Object.values<any>(service.Providers)) {
      for (const url of provider.RpcUrls) {
        const name = new URL(url).hostname
        expected.set(name, new Set([...expected.get(name) ?? [], ...addresses]))
      }
    }
  }
  return expected
}

interface Server {
  readonly server: string
  readonly port: number
}

/** Asks for every steered name, and gives the addresses by name and type. Every answer is one that the documents allow. */
const askEverything = Effect.fnUntraced(function*(dns: Server, subnets: ReadonlyArray<string>) {
  const given = new Map<string, string>()
  for (const type of ["A", "AAAA"] as const) {
    const expected = expectedAddresses(type === "AAAA")
    assert.strictEqual(expected.size, 48)
    yield* Effect.forEach(
      [...expected].flatMap(([name, allowed]) => subnets.map((subnet) => ({ name, allowed, subnet }))),
      Effect.fnUntraced(function*({ allowed, name, subnet }) {
        const answer = yield* ask({ ...dns, name, type, subnet, timeout: "10 seconds" })
        assert.strictEqual(answer.rcode, "NOERROR", name)
        assert.isTrue(answer.flags.aa)
        assert.lengthOf(answer.answers, 1, `${name} ${type}`)
        const [record] = answer.answers
        assert.strictEqual(record!.type, type)
        assert.include([...allowed], record!.data, `${name} ${type} for ${subnet}`)
        given.set(`${name} ${type} ${subnet}`, record!.data)
      }),
      { concurrency: 8, discard: true }
    )
  }
  return given
})

/** Waits until a node says where it listens. */
const announced = Effect.fnUntraced(function*(geodns: Geodns) {
  const [, server, port, names] = yield* geodns.says(/DNS +([\d.]+):(\d+), (\d+) names steered\n.*\n.*http.*\n/)
  assert.strictEqual(names, "48")
  return { server: server!, port: Number(port) } satisfies Server
})

const get = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
    return { status: response.status, type: response.headers.get("content-type"), text: await response.text() }
  })

const serialOf = (dns: Server) =>
  Effect.map(
    ask({ ...dns, name: "dotters.example", type: "SOA" }),
    ({ answers }) => Number(answers[0]!.data.split(" ")[2])
  )

describe.concurrent("geodns standalone", () => {
  it.live(
    "runs an operator's documents by path: DNS, HTTP and the commands that ask it; SIGTERM keeps the usage",
    () =>
      Effect.gen(function*() {
        const address = ownAddress()
        const folder = yield* operatorFolder((local) => {
          quiet(local, address)
          local.MonitorApi = { ListenAddress: address, ListenPort: "6101" }
          local.CollatorApi = { ...local.CollatorApi, ListenPort: "0" }
        })
        const geodns = yield* start(["standalone", "--config", join(folder, "local.json")])
        const dns = yield* announced(geodns)
        const api = `http://${address}:6100`
        const [, ...pages] = yield* geodns.says(/ {2}status +(.*)\n +(.*)\n +(.*)\n/)
        assert.deepStrictEqual(pages, [
          `${api}/`,
          `http://${address}:6101/`,
          `http on ${address}, a port that the system chose`
        ])
        assert.strictEqual((yield* geodns.says(/ {2}checks +(\d+) targets/))[1], "0")

        // The steered names of both providers.
        const subnets = ["203.0.113.0/24", "198.51.100.0/24", "2001:db8:77::/48"]
        const given = yield* askEverything(dns, subnets)
        assert.isAbove(new Set(given.values()).size, 2, "clients are spread over the members")

        // The rest of the zones.
        const question = (name: string, type: string, tcp = false) => ask({ ...dns, name, type, tcp })
        for (const zone of ["dotters.example", "network.example"]) {
          const soa = yield* question(zone, "SOA")
          assert.deepStrictEqual(soa.answers.map(({ data, type }) => [type, data.split(" ")[0]]), [
            ["SOA", `dns-01.${zone}`]
          ])
          const txt = yield* question(zone, "TXT", true)
          assert.strictEqual(txt.transport, "tcp")
          assert.deepStrictEqual(txt.answers.map(({ data }) => data), [`"v=spf1 -all"`])
          const cname = yield* question(`www.${zone}`, "CNAME")
          assert.deepStrictEqual(cname.answers.map(({ data }) => data), [zone])
          const unknown = yield* question(`no-such-name.${zone}`, "A")
          assert.strictEqual(unknown.rcode, "NXDOMAIN")
          assert.deepStrictEqual(unknown.authority.map(({ name, type }) => [name, type]), [[zone, "SOA"]])
          const noData = yield* question(`polkadot.${zone}`, "TXT")
          assert.deepStrictEqual([noData.rcode, noData.answers.length], ["NOERROR", 0])
        }
        // A service that is not active is not served.
        assert.strictEqual((yield* question("dormant.dotters.example", "A")).rcode, "NXDOMAIN")
        assert.strictEqual((yield* question("rpc.elsewhere.example", "A")).rcode, "REFUSED")

        // HTTP.
        const health = yield* get(`${api}/health`)
        assert.strictEqual(health.status, 200)
        const { conditions, config } = JSON.parse(health.text)
        // The challenges of the example are at an address of documentation, which nobody may reach: that is found a moment later.
        const found = conditions.map(({ name }: any) => name).filter((name: string) => name !== "dns:acme")
        assert.deepStrictEqual(found, ["geoip"])
        for (const document of Object.values<any>(config.documents)) assert.notProperty(document, "problem")
        const results = yield* get(`${api}/results`)
        assert.strictEqual(results.status, 503)
        assert.include(JSON.parse(results.text).error, "Nothing is decided yet")
        const metrics = yield* get(`${api}/metrics`)
        assert.strictEqual(metrics.status, 200)
        assert.match(metrics.text, /^geodns_config_version 1$/m)
        yield* eventually(
          "the questions in the metrics",
          Effect.map(get(`${api}/metrics`), ({ text }) =>
            /^geodns_dns_questions_total\{type="A",rcode="NOERROR"\} 144$/m.test(text)
              ? Option.some(text)
              : Option.none())
        )
        const page = yield* get(`${api}/`)
        assert.deepStrictEqual([page.status, page.type], [200, "text/html; charset=utf-8"])
        assert.include(page.text, "Nothing is decided yet")

        // The commands that ask it, and a second node in its place.
        const name = "polkadot.dotters.example"
        const server = `${dns.server}:${dns.port}`
        const elsewhere = yield* operatorFolder((local) => {
          quiet(local, ownAddress())
          local.GeoDNS.Dns.Listen = server
        })
        const beside = yield* operatorFolder((local) =>
          quiet(local, address)
        )
        const [explained, notSteered, dug, dugText, sameNode, sameApi, sameDns] = yield* Effect.all([
          run("explain", name, "--client", "203.0.113.7", "--node", api),
          run("explain", "www.dotters.example", "--client", "203.0.113.7", "--node", api),
          run("dig", name, "--subnet", subnets[0]!, "--server", server, "--json"),
          run("dig", name, "--subnet", subnets[2]!, "--server", server, "--type", "AAAA"),
          run("standalone", "--config", join(folder, "local.json")),
          run("standalone", "--config", join(beside, "local.json")),
          run("standalone", "--config", join(elsewhere, "local.json"))
        ], { concurrency: 2 })
        const answer = given.get(`${name} A ${subnets[0]!}`)
        assert.strictEqual(explained.code, 0, explained.stderr)
        assert.include(explained.stdout, `${name} A for 203.0.113.0/24: ${answer} (TTL 30)`)
        assert.include(explained.stdout, "As MONITOR-EXAMPLE-1 sees it.")
        assert.strictEqual(notSteered.code, 0, notSteered.stderr)
        assert.match(notSteered.stdout, /^www\.dotters\.example is an alias: CNAME dotters\.example/m)
        assert.strictEqual(dug.code, 0, dug.stderr)
        const { answers, subnet } = JSON.parse(dug.stdout)
        assert.deepStrictEqual(answers, [{ name, type: "A", ttl: 30, data: answer }])
        assert.deepStrictEqual(subnet, { address: "203.0.113.0", source: 24, scope: 24 })
        assert.match(dugText.stdout, /, for 2001:db8:77::\/48, scope \/\d+$/m)
        assert.strictEqual(sameNode.code, 1)
        assert.match(sameNode.stderr, /work\.lock is locked by process \d+.*stop it first, or use another directory/)
        assert.strictEqual(sameApi.code, 1)
        assert.match(
          sameApi.stderr,
          new RegExp(`${address}:6100.*another process listens there already; stop it or choose`)
        )
        assert.strictEqual(sameDns.code, 1)
        assert.match(
          sameDns.stderr,
          new RegExp(`${server}.*another process has it. Stop that one, or set another port`)
        )
        for (const { stdout } of [sameNode, sameApi, sameDns]) {
          assert.strictEqual(stdout, "")
        }
        assert.strictEqual((yield* question(name, "A")).rcode, "NOERROR")

        // The end.
        const before = yield* Clock.currentTimeMillis
        yield* geodns.kill("SIGTERM")
        const { code, stderr } = yield* geodns.ended
        assert.strictEqual(code, 0)
        assert.isBelow((yield* Clock.currentTimeMillis) - before, 10_000)
        for (const line of lines(stderr)) {
          assert.notInclude(["ERROR", "FATAL"], JSON.parse(line).level, line)
        }
        const database = new DatabaseSync(join(folder, "work/geodns.sqlite"), { readOnly: true })
        const count = (condition: string) =>
          database.prepare(`SELECT sum(hits) AS hits FROM requests WHERE ${condition}`).get()!["hits"]
        assert.strictEqual(count("is_ipv6 = 1"), 48 * subnets.length + 1)
        // And some by hand: `dig`, and two questions for its name and type.
        assert.strictEqual(count("is_ipv6 = 0"), 48 * subnets.length + 2)
        assert.strictEqual(count(`domain_name = '${name}' AND is_ipv6 = 0`), subnets.length + 2)
        database.close()
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "runs documents by URL, starts again after kill -9, and without the server of the documents",
    () =>
      Effect.gen(function*() {
        const address = ownAddress()
        const folder = yield* operatorFolder((local, folder) => {
          quiet(local, address)
          // A document from the web has no folder from which this could count.
          local.System.WorkDir = join(folder, "work")
        })
        const web = yield* serveFolder(folder)
        const subnets = ["203.0.113.0/24"]

        const first = yield* start(["standalone", "--config", `${web.url}local.json`])
        const given = yield* askEverything(yield* announced(first), subnets)
        yield* first.kill("SIGKILL")
        assert.strictEqual((yield* first.ended).signal, "SIGKILL")

        const second = yield* start(["standalone", "--config", `${web.url}local.json`])
        const dns = yield* announced(second)
        assert.deepStrictEqual(yield* askEverything(dns, subnets), given)
        const serial = yield* serialOf(dns)
        yield* second.kill("SIGKILL")
        yield* second.ended

        // The same documents, named by URLs in a local document on the disk; then their server goes.
        const file = join(folder, "by-url.json")
        const local = JSON.parse(readFileSync(join(folder, "local.json"), "utf8"))
        const ConfigUrls = Object.fromEntries(
          Object.entries(documentFiles).map(([key, document]) => [key, `${web.url}${document}`])
        )
        writeFileSync(file, JSON.stringify({ ...local, System: { ...local.System, ConfigUrls } }))
        yield* web.close
        const third = yield* start(["standalone", "--config", file])
        const again = yield* announced(third)
        assert.deepStrictEqual(yield* askEverything(again, subnets), given)
        assert.strictEqual(yield* serialOf(again), serial, "the data of the zones is the same")
        const { conditions, config } = JSON.parse((yield* get(`http://${address}:6100/health`)).text)
        assert.includeMembers(
          conditions.map(({ name }: any) => name),
          Object.keys(documentFiles).map((key) => `config:${key}`)
        )
        assert.match(config.documents.MembersConfig.problem, /127\.0\.0\.1/)
        yield* third.kill("SIGTERM")
        assert.strictEqual((yield* third.ended).code, 0)

        const without = yield* run("standalone", "--config", `${web.url}local.json`)
        assert.strictEqual(without.code, 1)
        assert.include(without.stderr, `the configuration of ${web.url}local.json cannot be used`)
        assert.strictEqual(without.stdout, "")
      }).pipe(Effect.scoped),
    120_000
  )
})
