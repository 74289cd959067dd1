import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schema } from "effect"
import { copyFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Problem } from "../../src/config/Problem.ts"
import { lines, run, start, temporaryFolder } from "./geodns.ts"
import { command } from "./inProcess.ts"
import { documentFiles, fixture, operatorFolder as exampleFolder, serveFolder } from "./operator.ts"

const decodeProblem = Schema.decodeUnknownSync(Problem)

/** The example documents, without ACME challenges at addresses that are nowhere: checking would wait for them. */
const operatorFolder = (change?: (local: any, folder: string) => void) =>
  Effect.tap(exampleFolder(change), (folder) => {
    const records: ReadonlyArray<{ readonly qname: string }> = fixture(documentFiles["StaticDNSConfig"]!)
    const others = records.filter(({ qname }) => !qname.startsWith("_acme-challenge."))
    return Effect.sync(() => writeFileSync(join(folder, documentFiles["StaticDNSConfig"]!), JSON.stringify(others)))
  })

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
        "plans 1862 targets, steers 48 names, serves dotters.example and network.example",
        `${file} can be used: 0 errors, ${warnings.length} warnings`
      ])
      for (const line of warnings) assert.match(line, /^warning \w+: /)
      assert.lengthOf(warnings, 4)
      const unset = ["NATS_PASS", "MYSQL_PASS", "DASHBOARD_KEY"].map((name) =>
        `environment variable ${name}, found nothing`
      )
      for (const what of ["AlertsConfig: telegram", ...unset]) {
        assert.isTrue(warnings.some((line) => line.includes(what)), what)
      }
    }).pipe(Effect.scoped), 120_000)

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
    120_000
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
    }).pipe(Effect.scoped), 120_000)

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
    }).pipe(Effect.scoped), 120_000)

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
    120_000
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
      // Who does not answer PowerDNS does not read them, and signs nothing.
      const monitor = yield* check(answered, "monitor")
      assert.isTrue(monitor.ok)
      assert.deepStrictEqual(monitor.keys, [])
      const silent = yield* check(yield* withKeys({}), "dns")
      assert.isTrue(silent.ok)
      assert.deepStrictEqual(silent.keys.map(({ found, path, severity }) => `${severity} ${path}: ${found}`), [
        "warning GeoDNS.Dns.Keys: no connection to PowerDNS"
      ])
    }).pipe(Effect.scoped))

  it.live(
    "says once what is odd about a SOA record and a half account, and nothing of a key that could not be read",
    () =>
      Effect.gen(function*() {
        const problems = (change: (local: any) => void) =>
          Effect.gen(function*() {
            const file = join(yield* operatorFolder(change), "local.json")
            const { ok, stdout } = yield* command(["config", "check", "--json", file])
            assert.isTrue(ok)
            return lines(stdout).map((line) => decodeProblem(JSON.parse(line))).filter(({ document, path }) =>
              /Zones|Maxmind/.test(path) || document === "StaticDNSConfig"
            )
          })
        const odd = yield* problems((local) => {
          local.Nats.Pass = "given"
          local.Maxmind.AccountID = "1234"
          local.Maxmind.LicenseKey = ""
          local.GeoDNS = {
            Dns: { Zones: { "New.example.": { mname: "n s.new.example", rname: "a@b@new.example" } } }
          }
        })
        assert.deepStrictEqual(odd.map(({ path, severity }) => `${severity} ${path}`), [
          "warning Maxmind.LicenseKey",
          'warning GeoDNS.Dns.Zones["New.example."].mname',
          'warning GeoDNS.Dns.Zones["New.example."].rname',
          "warning new.example NS"
        ])
        const unread = yield* problems((local) => {
          local.Nats.Pass = "given"
          local.Maxmind.AccountID = "1234"
          local.Maxmind.LicenseKey = "file:/nosuch/key"
        })
        assert.deepStrictEqual(unread.map(({ expected, path }) => `${path} ${expected}`), [
          "Maxmind.LicenseKey a secret in the file /nosuch/key"
        ])
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "refuses a home server that is no URL, for the roles that tell by it, and warns of channels that tell nobody",
    () =>
      Effect.gen(function*() {
        const folder = yield* operatorFolder((local) => {
          local.Nats.Pass = "given"
          local.Mysql.Pass = "given"
          local.Matrix = { HomeServerURL: "planted:matrix.example", Username: "", Password: "", RoomID: "" }
          local.GeoDNS = { Alerts: { Dashboard: "nonsense", Webhooks: [{ Url: "https://hook.example/planted" }] } }
          delete local.System.ConfigUrls.AlertsConfig
        })
        const check = (...role: ReadonlyArray<string>) =>
          Effect.map(command(["config", "check", "--json", join(folder, "local.json"), ...role]), ({ ok, stdout }) => {
            assert.notInclude(stdout, "planted")
            const all = lines(stdout).map((line) => decodeProblem(JSON.parse(line)))
            const paths = (wanted: string) =>
              all.flatMap(({ path, severity }) =>
                severity === wanted && /^Matrix|^GeoDNS\.Alerts/.test(path) ? [path] : []
              )
            return { ok, errors: paths("error"), warnings: paths("warning") }
          })
        const warnings = [
          "Matrix.Username",
          "Matrix.Password",
          "Matrix.RoomID",
          "GeoDNS.Alerts.Webhooks[0].Secret",
          "GeoDNS.Alerts.Dashboard"
        ]
        const errors = ["Matrix.HomeServerURL"]
        for (const role of [["--role", "collator"], ["--role", "standalone"], []]) {
          assert.deepStrictEqual(yield* check(...role), { ok: false, errors, warnings })
        }
        assert.deepStrictEqual(yield* check("--role", "monitor"), { ok: true, errors: [], warnings })
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "warns of ACME challenges that cannot be read, for roles that answer them, and shows no address",
    () =>
      Effect.gen(function*() {
        const folder = yield* operatorFolder((local) => {
          local.Nats.Pass = "given"
          local.GeoDNS = { Outbound: { Allow: ["127.0.0.0/8"] } }
        })
        const web = yield* serveFolder(folder, (name, response) => {
          if (name === "acme/error") response.writeHead(500).end()
          else if (name === "acme/page") response.writeHead(200).end("<html>no challenge</html>")
          else if (name === "acme/away") response.writeHead(302, { location: "http://192.0.2.1/" }).end()
          else if (name === "acme/good") response.writeHead(200).end("a-challenge\nanother\n")
          return name.startsWith("acme/") && name !== "acme/nothing"
        })
        const record = (name: string, address: string) => ({
          qname: `_acme-challenge.${name}.dotters.example`,
          qtype: "TXT",
          content: address,
          ttl: 60
        })
        const records = fixture(documentFiles["StaticDNSConfig"]!).filter(({ qname }: any) =>
          !qname.startsWith("_acme")
        )
        writeFileSync(
          join(folder, documentFiles["StaticDNSConfig"]!),
          JSON.stringify([
            ...records,
            ...["error", "page", "away", "good", "nothing"].map((name) =>
              record(name, `${web.url}acme/${name}?token=planted`)
            ),
            // Nothing listens on port 1.
            record("refused", "http://127.0.0.1:1/acme?token=planted"),
            record("inside", "http://[::ffff:10.0.0.1]/acme?token=planted")
          ])
        )
        const check = (...role: ReadonlyArray<string>) =>
          Effect.map(command(["config", "check", "--json", join(folder, "local.json"), ...role]), ({ ok, stdout }) => {
            assert.isTrue(ok, stdout)
            assert.notInclude(stdout, "planted")
            return lines(stdout).map((line) => decodeProblem(JSON.parse(line))).filter(({ expected }) =>
              expected.startsWith("ACME")
            )
          })
        for (const role of ["dns", "standalone"]) {
          const found = (yield* check("--role", role)).map(({ found, path, severity }) =>
            `${severity} ${path.split(".")[1]} ${found}`
          )
          assert.deepStrictEqual(found.slice(0, 3), [
            "warning error the status 500",
            "warning page something that is no challenge",
            "warning away the status 302"
          ])
          assert.lengthOf(found, 5)
          assert.strictEqual(found[3], "warning refused no answer: connection refused")
          assert.match(
            found[4]!,
            /^warning inside .* is no address of the internet: add its network to GeoDNS.Outbound/
          )
        }
        assert.deepStrictEqual(yield* check("--role", "monitor"), [])
        assert.deepStrictEqual(yield* check(), [])
      }).pipe(Effect.scoped),
    120_000
  )

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
    }).pipe(Effect.scoped), 120_000)

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
    120_000
  )

  it.live(
    "names options that no probe reads and the nearest known one, types that no service has, and every wrong option",
    () =>
      Effect.gen(function*() {
        const folder = yield* operatorFolder((local) => {
          local.Checks = [
            { Name: "wss", Enabled: 1, CheckType: "endpoint", Timeout: 5, ExtraOptions: { ConectTimeout: 3 } },
            {
              Name: "http",
              Enabled: 1,
              CheckType: "endpoint",
              Timeout: 5,
              ExtraOptions: { ServiceTypes: ["rpc", "XYZ"] }
            },
            { Name: "ssl", Enabled: 1, CheckType: "domain", Timeout: 5, ExtraOptions: { Port: 0, ConnectTimeout: -1 } },
            { Name: "off", Enabled: 0, CheckType: "domain", ExtraOptions: { ConectTimeout: 3 } }
          ]
        })
        const { ok, stdout } = yield* command(["config", "check", join(folder, "local.json"), "--role", "standalone"])
        assert.isTrue(ok, stdout)
        const ofChecks = lines(stdout).filter((line) => /local: (Checks|check )/.test(line)).map((line) =>
          line.replace(/^warning /, "")
        )
        assert.deepStrictEqual(ofChecks, [
          'local: check ssl: expected what can be checked, found what cannot: ExtraOptions: Expected a value between 1 and 65535 at ["Port"]',
          'local: check ssl: expected what can be checked, found what cannot: ExtraOptions: Expected a value greater than 0 at ["ConnectTimeout"]',
          'local: Checks[0].ExtraOptions.ConectTimeout: expected an option of the probe wss, found one that nothing reads (did you mean "ConnectTimeout"?)',
          'local: Checks[1].ExtraOptions.ServiceTypes[1]: expected the ServiceType of an active service, found "XYZ" (known: RPC, ETHRPC)'
        ])
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("says that standalone hears no agents", () =>
    Effect.gen(function*() {
      const folder = yield* operatorFolder((local) => {
        local.Nats.Pass = "given"
        local.Checks = [{ Name: "heartbeat", Enabled: 1, CheckType: "site", Timeout: 5 }]
      })
      const check = (role: string) => command(["config", "check", join(folder, "local.json"), "--role", role])
      assert.match(
        (yield* check("standalone")).stdout,
        /^warning local: check heartbeat: .*the check does not run here: standalone hears no agents/m
      )
      assert.notInclude((yield* check("monitor")).stdout, "heartbeat")
    }).pipe(Effect.scoped), 120_000)

  it.live("checks the document of an agent", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryFolder, "agent.json")
      const check = (services: object | undefined, ...role: ReadonlyArray<string>) =>
        Effect.suspend(() => {
          const agent = services && { Agent: { Member: "harbour", Services: services } }
          writeFileSync(file, JSON.stringify({ System: { ConfigUrls: {} }, GeoDNS: agent }))
          return command(["config", "check", file, ...role])
        })
      const service = { Probe: "wss", Url: "wss://rpc.example/kusama" }
      for (const role of [[], ["--role", "agent"]]) {
        const bad = yield* check({ rpc: { ...service, Probe: "pnig" }, web: { ...service, Url: "x" } }, ...role)
        assert.isFalse(bad.ok)
        assert.match(bad.stdout, /^error +local: GeoDNS\.Agent\.Services\.rpc: .*there is no probe pnig for an agent/m)
        assert.match(bad.stdout, /^error +local: GeoDNS\.Agent\.Services\.web: .*Url: what is wanted is a URL/m)
        const odd = yield* check({ rpc: { ...service, ExtraOptions: { ReadTimout: 3 } } }, ...role)
        assert.isTrue(odd.ok, odd.stdout)
        assert.match(odd.stdout, /Services\.rpc\.ExtraOptions\.ReadTimout: .*did you mean "ReadTimeout"\?/)
        assert.include(odd.stdout, "reports for harbour every 15 s on rpc")
      }
      const none = yield* check(undefined, "--role", "agent")
      assert.isFalse(none.ok)
      assert.include(none.stdout, "GeoDNS.Agent: expected what the agent looks at, and its Member, found nothing")
      // Nodes do not read it
      assert.isTrue((yield* check({ rpc: { ...service, Probe: "pnig" } }, "--role", "monitor")).ok)
    }).pipe(Effect.scoped), 120_000)

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
    }).pipe(Effect.scoped), 120_000)
})
