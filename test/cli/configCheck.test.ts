import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schema } from "effect"
import { copyFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Problem } from "../../src/config/Problem.ts"
import { lines, run, start } from "./geodns.ts"
import { command } from "./inProcess.ts"
import { documentFiles, fixture, operatorFolder, serveFolder } from "./operator.ts"

const decodeProblem = Schema.decodeUnknownSync(Problem)

/** Puts what is planted where a document has its secrets. */
const plant = (local: any, secret: (name: string) => unknown): void => {
  local.Nats.Pass = secret("nats")
  local.Mysql.Pass = secret("mysql")
  local.Maxmind.LicenseKey = secret("maxmind")
  local.Matrix.Password = secret("matrix")
  local.CollatorApi.AuthKeys = { dashboard: secret("dashboard") }
}

describe.concurrent("geodns config check", () => {
  it.live("takes the documents of an operator, and warns", () =>
    Effect.gen(function*() {
      const file = join(yield* operatorFolder(), "local.json")
      const { code, stderr, stdout } = yield* run("config", "check", file, "--role", "standalone")
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stderr, "")
      const all = lines(stdout)
      const warnings = all.slice(0, -2)
      assert.deepStrictEqual(all.slice(-2), [
        "plans 682 targets, steers 48 names, serves dotters.example and network.example",
        `${file} can be used: 0 errors, ${warnings.length} warnings`
      ])
      for (const line of warnings) assert.match(line, /^warning \w+: /)
      assert.lengthOf(warnings, 6)
      const unset = ["NATS_PASS", "MYSQL_PASS", "DASHBOARD_KEY"].map((name) =>
        `environment variable ${name}, found nothing`
      )
      for (const what of ["AlertsConfig: telegram", "check wss", "check ethrpc", ...unset]) {
        assert.isTrue(warnings.some((line) => line.includes(what)), what)
      }
    }).pipe(Effect.scoped), 60_000)

  it.live(
    "names document, line and column of what is no JSON, and every other problem too",
    () =>
      Effect.gen(function*() {
        const folder = yield* operatorFolder((local) => {
          local.CheckWorkers.numWorkers = 0
        })
        copyFileSync(join(folder, "broken-services_rpc_requests.json"), join(folder, "services_rpc_requests.json"))
        const members = fixture("members_professional.json")
        members.Potomac.Location.Latitude = 95
        members.Tagus.Service.ServiceIPv4 = "192.0.2.700"
        delete members.Oasis.Details.Name
        writeFileSync(join(folder, "members_professional.json"), JSON.stringify(members))
        const { code, stderr, stdout } = yield* run(
          "config",
          "check",
          "--role",
          "standalone",
          join(folder, "local.json")
        )
        assert.strictEqual(code, 1)
        const errors = lines(stdout).filter((line) => line.startsWith("error"))
        assert.lengthOf(errors, 5, stdout)
        assert.match(errors.join("\n"), /^error +local: CheckWorkers\.numWorkers: .*found 0$/m)
        assert.match(errors.join("\n"), /^error +MembersConfig: Potomac\.Location\.Latitude: .*90.*found 95$/m)
        assert.match(
          errors.join("\n"),
          /^error +MembersConfig: Tagus\.Service\.ServiceIPv4: .*found "192\.0\.2\.700"$/m
        )
        assert.match(errors.join("\n"), /^error +MembersConfig: Oasis\.Details\.Name: .*found nothing$/m)
        assert.match(
          errors.join("\n"),
          /^error +ServicesRequestsConfig: line 1, column 1: expected .*found `"Paseo": \{`$/m
        )
        assert.include(stderr, "5 errors")
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("names files that are missing", () =>
    Effect.gen(function*() {
      const folder = yield* operatorFolder((local) => {
        local.System.ConfigUrls.AlertsConfig = "nowhere.json"
      })
      const shared = yield* run("config", "check", join(folder, "local.json"))
      assert.strictEqual(shared.code, 1)
      assert.match(shared.stdout, new RegExp(`^error +AlertsConfig: .*${folder}/nowhere\\.json, found nothing`, "m"))
      const local = yield* run("config", "check", join(folder, "locl.json"))
      assert.strictEqual(local.code, 1)
      assert.match(local.stdout, new RegExp(`^error +local: .*${folder}/locl\\.json, found nothing`, "m"))
      assert.lengthOf(lines(local.stdout), 1)
    }).pipe(Effect.scoped), 60_000)

  it.live("reads documents by URL, and prints one JSON object per problem", () =>
    Effect.gen(function*() {
      const folder = yield* operatorFolder((local) => {
        local.System.ConfigUrls.IaasPricingConfig = "prices.json?token=planted-token"
      })
      const web = yield* serveFolder(folder, (name, response) => {
        if (name === "prices.json") response.writeHead(500).end("planted-body")
        return name === "prices.json"
      })
      const { code, stderr, stdout } = yield* run(
        "config",
        "check",
        "--json",
        "--role",
        "standalone",
        `${web.url}local.json`
      )
      assert.strictEqual(code, 1, stderr)
      const problems = lines(stdout).map((line) => decodeProblem(JSON.parse(line)))
      assert.deepStrictEqual(
        problems.filter(({ severity }) => severity === "warning").map(({ document, path }) => `${document} ${path}`),
        ["local Nats.Pass", "local Mysql.Pass", "local CollatorApi.AuthKeys.dashboard", "AlertsConfig telegram"]
      )
      const errors = problems.filter(({ severity }) => severity === "error")
      assert.deepStrictEqual(errors.map(({ document, found }) => [document, found]), [
        ["IaasPricingConfig", "the status 500"]
      ])
      assert.include(errors[0]!.expected, `${web.url}prices.json`)
      assert.notInclude(stdout + stderr, "planted")
    }).pipe(Effect.scoped), 60_000)

  it.live(
    "names what cannot be filled in, and certificates, keys and credentials that are not there",
    () =>
      Effect.gen(function*() {
        const folder = yield* operatorFolder((local) => {
          local.System.WorkDir = "${GEODNS_TEST_UNSET}/work"
          local.Nats.Pass = "file:secrets/nats"
          local.CollatorApi.AuthKeys = { dashboard: "$${literal}" }
          local.Mysql.Pass = ""
        })
        const refused = yield* run("config", "check", join(folder, "local.json"))
        assert.strictEqual(refused.code, 1)
        assert.match(refused.stdout, /^error +local: System\.WorkDir: .*GEODNS_TEST_UNSET, found nothing/m)
        assert.include(refused.stdout, `Nats.Pass: expected a secret in the file ${folder}/secrets/nats, found nothing`)
        const files = yield* operatorFolder((local, folder) => {
          writeFileSync(join(folder, "empty.pem"), "")
          local.GeoDNS = {
            Nats: { CredentialsFile: "nats.creds", Tls: { CaFile: "empty.pem" } },
            Http: { Tls: { CertFile: "local.json", KeyFile: "http.key" } }
          }
        })
        const missing = yield* run("config", "check", "--json", "--role", "standalone", join(files, "local.json"))
        assert.strictEqual(missing.code, 1)
        const errors = lines(missing.stdout).map((line) => decodeProblem(JSON.parse(line))).filter(({ severity }) =>
          severity === "error"
        )
        assert.deepStrictEqual(errors.map(({ found, path }) => `${path} ${found}`), [
          "GeoDNS.Nats.CredentialsFile nothing",
          "GeoDNS.Nats.Tls.CaFile an empty one",
          "GeoDNS.Http.Tls.KeyFile nothing"
        ])
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("refuses a broker or a database that cannot be used, for the roles that use it", () =>
    Effect.gen(function*() {
      const check = (file: string, ...role: ReadonlyArray<string>) =>
        Effect.map(command(["config", "check", file, ...role]), ({ ok, stdout }) => ({
          ok,
          errors: lines(stdout).filter((line) => line.startsWith("error")).map((line) =>
            /local: ([\w.]+)/.exec(line)?.[1]
          )
        }))
      const broker = join(
        yield* operatorFolder((local) => {
          local.Nats.Pass = "file:/nosuch/nats"
        }),
        "local.json"
      )
      const refused = { ok: false, errors: ["Nats.Pass"] }
      const taken = { ok: true, errors: [] }
      assert.deepStrictEqual(yield* check(broker), refused)
      for (const role of ["monitor", "dns", "collator"]) {
        assert.deepStrictEqual(yield* check(broker, "--role", role), refused, role)
      }
      assert.deepStrictEqual(yield* check(broker, "--role", "standalone"), taken)
      const database = join(
        yield* operatorFolder((local) => {
          local.Nats.Pass = "given"
          local.Mysql.Host = "db.example"
          local.Mysql.Pass = "file:/nosuch/mysql"
        }),
        "local.json"
      )
      const noDatabase = { ok: false, errors: ["Mysql.Pass"] }
      assert.deepStrictEqual(yield* check(database), noDatabase)
      for (const role of ["collator", "standalone"]) {
        assert.deepStrictEqual(yield* check(database, "--role", role), noDatabase, role)
      }
      for (const role of ["monitor", "dns"]) assert.deepStrictEqual(yield* check(database, "--role", role), taken, role)
      // What nobody can be reached by, and no secret of it is shown.
      const nobody = join(
        yield* operatorFolder((local) => {
          local.Nats.Pass = "given"
          local.Nats.Url = "nats://user:planted@broker.example:99999"
          local.Mysql.Host = "db.example"
          local.Mysql.Pass = "given"
          local.Mysql.User = ""
        }),
        "local.json"
      )
      assert.deepStrictEqual(yield* check(nobody), { ok: false, errors: ["Nats.Url", "Mysql"] })
      assert.deepStrictEqual(yield* check(nobody, "--role", "monitor"), { ok: false, errors: ["Nats.Url"] })
      assert.deepStrictEqual(yield* check(nobody, "--role", "standalone"), { ok: false, errors: ["Mysql"] })
      const { stderr, stdout } = yield* command(["config", "check", nobody])
      assert.notInclude(stdout + stderr, "planted")
    }).pipe(Effect.scoped))

  it.live("refuses keys of zones that a node does not start with, and warns of those of other zones", () =>
    Effect.gen(function*() {
      const check = (folder: string, role: string) =>
        Effect.map(
          command(["config", "check", "--json", join(folder, "local.json"), "--role", role]),
          ({ ok, stdout }) => ({
            ok,
            stdout,
            keys: lines(stdout).map((line) => decodeProblem(JSON.parse(line))).filter(({ path }) =>
              path.startsWith("GeoDNS.Dns.Keys")
            )
          })
        )
      const withKeys = (dns: object) =>
        operatorFolder((local, folder) => {
          local.Nats.Pass = "given"
          local.GeoDNS = {
            Dns: {
              ...dns,
              // Relative to the document, which is not where this process runs.
              Keys: { "dotters.example": "nofile", "network.example": "nokey", "other.example": "good" }
            }
          }
          writeFileSync(join(folder, "nokey"), "planted")
          writeFileSync(join(folder, "good"), "Private-key-format: v1.2\nAlgorithm: 13\nPrivateKey: planted\n")
        })
      const answered = yield* withKeys({ PowerDnsSocket: "pdns.sock" })
      for (const role of ["dns", "standalone"]) {
        const { keys, ok, stdout } = yield* check(answered, role)
        assert.isFalse(ok, role)
        assert.deepStrictEqual(keys.map(({ path, severity }) => `${severity} ${path}`), [
          'error GeoDNS.Dns.Keys["dotters.example"]',
          'error GeoDNS.Dns.Keys["network.example"]',
          'warning GeoDNS.Dns.Keys["other.example"]'
        ])
        assert.include(keys[0]!.hint, `cannot read ${join(answered, "nofile")}`)
        assert.include(keys[1]!.hint, "there is no key in it")
        assert.include(keys[2]!.found, "other.example, which is no zone here")
        assert.notInclude(stdout, "planted")
      }
      // Who does not answer PowerDNS does not read them.
      const silent = yield* withKeys({})
      for (const { keys, ok } of [yield* check(answered, "monitor"), yield* check(silent, "dns")]) {
        assert.isTrue(ok)
        assert.deepStrictEqual(keys, [])
      }
    }).pipe(Effect.scoped))

  it.live("never prints what stands where a secret belongs", () =>
    Effect.gen(function*() {
      const wrong: Readonly<Record<string, unknown>> = {
        nats: ["planted-in-a-list"],
        mysql: { key: "planted-in-an-object" },
        maxmind: 770077,
        matrix: [770077],
        dashboard: 77007.7
      }
      const folder = yield* operatorFolder((local) => plant(local, (name) => wrong[name]))
      for (const flags of [[], ["--json"]]) {
        const { code, stderr, stdout } = yield* run("config", "check", join(folder, "local.json"), ...flags)
        assert.strictEqual(code, 1)
        for (
          const path of [
            "Nats.Pass",
            "Mysql.Pass",
            "Maxmind.LicenseKey",
            "Matrix.Password",
            "CollatorApi.AuthKeys.dashboard"
          ]
        ) {
          assert.include(stdout, path)
        }
        assert.notMatch(stdout + stderr, /planted|77007/)
      }
    }).pipe(Effect.scoped), 60_000)

  it.live(
    "never prints a secret beside which the JSON is broken, or under a key that nothing reads",
    () =>
      Effect.gen(function*() {
        const folder = yield* operatorFolder((local) => {
          plant(local, (name) => `planted-${name}`)
          local.Nats.Passwd = "planted-typo"
        })
        const typo = yield* run("config", "check", join(folder, "local.json"))
        assert.strictEqual(typo.code, 0, typo.stderr)
        assert.include(typo.stdout, "Nats.Passwd")
        const local = fixture("local.json")
        plant(local, (name) => `planted-${name}`)
        const text = JSON.stringify(local).replace('"planted-matrix"', '"planted-matrix" "planted-beside"')
        writeFileSync(join(folder, "local.json"), text)
        const broken = yield* run("config", "check", join(folder, "local.json"))
        assert.strictEqual(broken.code, 1)
        assert.match(broken.stdout, /^error +local: line 1, column \d+: /m)
        assert.notInclude(JSON.stringify([typo, broken]), "planted")
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("is no success when it is interrupted", () =>
    Effect.gen(function*() {
      const asked = yield* Deferred.make<void>()
      const folder = yield* operatorFolder()
      const web = yield* serveFolder(folder, (name) => {
        const isLast = name === documentFiles["AlertsConfig"]
        if (isLast) Deferred.doneUnsafe(asked, Effect.void)
        return isLast
      })
      const geodns = yield* start(["config", "check", `${web.url}local.json`])
      yield* Effect.raceFirst(Deferred.await(asked), Effect.andThen(geodns.ended, Effect.die("ended too early")))
      yield* geodns.kill("SIGINT")
      assert.strictEqual((yield* geodns.ended).code, 130)
    }).pipe(Effect.scoped), 60_000)
})
