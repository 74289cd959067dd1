import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { lines } from "./geodns.ts"
import { command } from "./inProcess.ts"
import { documentFiles, operatorFolder } from "./operator.ts"

/** The documents of an operator with more static records. */
const withRecords = (
  ...records: ReadonlyArray<readonly [qname: string, qtype: string, content: string, ttl?: number]>
) =>
  Effect.map(operatorFolder(), (folder) => {
    const file = join(folder, "geodns-static.json")
    const there = JSON.parse(readFileSync(file, "utf8"))
    const more = records.map(([qname, qtype, content, ttl = 60]) => ({
      qname,
      qtype,
      content,
      ttl,
      auth: true,
      domain_id: 1
    }))
    writeFileSync(file, JSON.stringify([...there, ...more]))
    return join(folder, "local.json")
  })

describe("geodns zone check", () => {
  it.live("takes the zones of an operator", () =>
    Effect.gen(function*() {
      const file = yield* withRecords()
      const { ok, stdout } = yield* command(["zone", "check", file])
      assert.isTrue(ok)
      assert.deepStrictEqual(lines(stdout).map((line) => line.replace(file, "FILE")), [
        "serves 2 zones with 22 records, and steers 48 names",
        "FILE can be served: 0 errors, 0 warnings"
      ])
    }).pipe(Effect.scoped))

  it.live("fails for what is left out, and warns of what is served in vain", () =>
    Effect.gen(function*() {
      const file = yield* withRecords(
        ["dotters.example", "CNAME", "elsewhere.test"],
        ["www.dotters.example", "TXT", "beside the alias"],
        ["mail.dotters.example", "MX", "10 gone.dotters.example"],
        ["bad.dotters.example", "A", "192.0.2.700"]
      )
      const { ok, stderr, stdout } = yield* command(["zone", "check", file])
      assert.isFalse(ok)
      assert.match(stderr, /local\.json: 3 errors, 1 warning\. What is wrong is left out/)
      const problems = [...lines(stdout)].sort()
      assert.lengthOf(problems, 4)
      assert.match(problems[0]!, /^error +bad\.dotters\.example A: "192\.0\.2\.700" is no IPv4 address/)
      assert.match(problems[1]!, /^error +dotters\.example CNAME: a zone's own name cannot be an alias/)
      assert.match(problems[2]!, /^error +www\.dotters\.example CNAME: an alias cannot have other records/)
      assert.match(problems[3]!, /^warning mail\.dotters\.example MX: gone\.dotters\.example does not exist/)
      const json = yield* command(["zone", "check", file, "--json"])
      assert.isFalse(json.ok)
      assert.sameMembers(
        lines(json.stdout).map((line) => JSON.parse(line)).map(({ severity, type }) => `${severity} ${type}`),
        ["error A", "error CNAME", "error CNAME", "warning MX"]
      )
    }).pipe(Effect.scoped))

  it.live("warns of what is odd in the documents that zones are made of", () =>
    Effect.gen(function*() {
      const file = yield* withRecords(
        ["two.dotters.example", "A", "192.0.2.1", 60],
        ["two.dotters.example", "A", "192.0.2.2", 90],
        ["sub.dotters.example", "SOA", "ns1.dotters.example host@dotters.example 1 2 3 4 5"],
        ["sub.dotters.example", "NS", "ns.elsewhere.test"]
      )
      const { ok, stdout } = yield* command(["zone", "check", file])
      assert.isTrue(ok)
      const warnings = lines(stdout).filter((line) => line.startsWith("warning"))
      assert.lengthOf(warnings, 2)
      assert.match(
        warnings[0]!,
        /StaticDNSConfig: \[\d+\]\.ttl: expected 60, the TTL of the A record of two\.dotters\.example/
      )
      assert.match(warnings[1]!, /StaticDNSConfig: \[\d+\]\.content: expected as rname a mailbox as a name/)
      assert.match(stdout, /can be served: 0 errors, 2 warnings/)
    }).pipe(Effect.scoped))

  it.live(
    "says what config check says, with the same severity, and nothing of it for those who make no zones",
    () =>
      Effect.gen(function*() {
        const file = yield* withRecords(
          ["bad.dotters.example", "A", "192.0.2.700"],
          ["l1.dotters.example", "CNAME", "l2.dotters.example"],
          ["l2.dotters.example", "CNAME", "l1.dotters.example"]
        )
        const members = join(dirname(file), documentFiles["MembersConfig"]!)
        const all = JSON.parse(readFileSync(members, "utf8"))
        for (const member of Object.values<any>(all)) member.ServiceAssignments = {}
        writeFileSync(members, JSON.stringify(all))
        const local = JSON.parse(readFileSync(file, "utf8"))
        local.Nats.Pass = "given"
        writeFileSync(file, JSON.stringify(local))
        const zone = yield* command(["zone", "check", file, "--json"])
        const said = lines(zone.stdout).map((line) => JSON.parse(line))
          .map(({ name, problem, severity, type }) => `${severity} ${name} ${type} ${problem}`)
        assert.isTrue(said.some((line) => /^warning \S+ A\/AAAA no member is assigned /.test(line)))
        assert.isTrue(said.some((line) => /^error bad\.dotters\.example A /.test(line)))
        assert.isTrue(said.some((line) => /^warning l1\.dotters\.example CNAME aliases in a circle/.test(line)))
        const check = Effect.fnUntraced(function*(...role: ReadonlyArray<string>) {
          const { stdout } = yield* command(["config", "check", file, "--json", ...role])
          return lines(stdout).map((line) => JSON.parse(line)).filter(({ found }) => /left out|in vain/.test(found))
            .filter(({ document }) => document === "StaticDNSConfig")
            .map(({ hint, path, severity }) => `${severity} ${path} ${hint}`)
        })
        assert.deepStrictEqual(yield* check(), said)
        assert.deepStrictEqual(yield* check("--role", "monitor"), [])
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("fails when a document that zones are made of is broken or missing, and names what is wrong", () =>
    Effect.gen(function*() {
      for (const [text, says] of [["{broken", /line 1/], [undefined, /geodns-static\.json, found nothing/]] as const) {
        const file = yield* withRecords()
        const records = join(dirname(file), "geodns-static.json")
        if (text === undefined) rmSync(records)
        else writeFileSync(records, text)
        const checked = yield* command(["zone", "check", file])
        assert.isFalse(checked.ok)
        assert.match(checked.stdout, /^error +StaticDNSConfig: /)
        assert.match(checked.stdout, says)
        assert.match(checked.stderr, /1 error in the documents that zones are made of/)
        const shown = yield* command(["zone", "show", file])
        assert.isFalse(shown.ok)
        assert.strictEqual(shown.stdout, "")
        assert.match(shown.stderr, says)
      }
    }).pipe(Effect.scoped))

  it.live("says what is wrong with documents that cannot be read", () =>
    Effect.gen(function*() {
      const { ok, stderr } = yield* command(["zone", "check", "/nowhere/local.json"])
      assert.isFalse(ok)
      assert.match(stderr, /\/nowhere\/local\.json/)
    }))
})

describe("geodns zone show", () => {
  it.live("prints zone files, all or one", () =>
    Effect.gen(function*() {
      const file = yield* withRecords(["mail.dotters.example", "MX", "10 www.network.example"])
      const all = yield* command(["zone", "show", file])
      assert.lengthOf(lines(all.stdout).filter((line) => line.startsWith("$ORIGIN")), 2)
      const one = yield* command(["zone", "show", file, "Dotters.example."])
      const shown = lines(one.stdout)
      assert.strictEqual(shown[0], "$ORIGIN dotters.example.")
      assert.match(shown[1]!, /^dotters\.example\. +3600 IN SOA dns-01\.dotters\.example\. .* 0 3600 600 604800 60$/)
      assert.isTrue(shown.some((line) => /^mail\.dotters\.example\. +60 IN MX 10 www\.network\.example\.$/.test(line)))
      assert.isTrue(shown.some((line) => /^; rpc\.dotters\.example\. +A\/AAAA: members/.test(line)))
      assert.notInclude(one.stdout, "http")
      const json = JSON.parse((yield* command(["zone", "show", file, "network.example", "--json"])).stdout)
      assert.deepStrictEqual(json.map(({ name }: { name: string }) => name), ["network.example."])
    }).pipe(Effect.scoped))

  it.live("names the zones that there are for one that there is not", () =>
    Effect.gen(function*() {
      const { ok, stderr } = yield* command(["zone", "show", yield* withRecords(), "other.example"])
      assert.isFalse(ok)
      assert.match(stderr, /makes no zone other\.example\.: there are dotters\.example\., network\.example\.$/m)
    }).pipe(Effect.scoped))
})
