import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { checkDocuments } from "../../src/config/checkDocuments.ts"
import { Documents } from "../../src/config/Documents.ts"
import { temporaryFolder } from "../cli/geodns.ts"
import { command } from "../cli/inProcess.ts"

const root = resolve(import.meta.dirname, "../..")
const deploy = join(root, "deploy")
const roles = ["monitor", "dns", "collator"] as const

/** The settings of a unit by section, in their order. */
const readUnit = (role: string): ReadonlyMap<string, ReadonlyArray<readonly [string, string]>> => {
  const sections = new Map<string, Array<readonly [string, string]>>()
  let section = ""
  for (const line of readFileSync(join(deploy, "systemd", `geodns-${role}.service`), "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue
    const title = /^\[(\w+)\]$/.exec(line)?.[1]
    if (title !== undefined) {
      section = title
      sections.set(section, [])
      continue
    }
    const setting = /^(\w+)=(.*)$/.exec(line)
    assert.isNotNull(setting, `geodns-${role}.service: ${line}`)
    sections.get(section)!.push([setting![1]!, setting![2]!])
  }
  return sections
}

const service = (role: string, key: string): ReadonlyArray<string> =>
  readUnit(role).get("Service")!.flatMap(([name, value]) => name === key ? [value] : [])

const example = (role: string): any => JSON.parse(readFileSync(join(deploy, "examples", `${role}.json`), "utf8"))

const credentialsOf = (document: unknown): ReadonlyArray<string> =>
  [...JSON.stringify(document).matchAll(/"file:([^"]+)"/g)].map(([, file]) => file!)

describe.each(roles)("the systemd unit of a %s", (role) => {
  it("runs as nobody in particular, with files of its own, and no more rights than it needs", () => {
    const caps = role === "dns" ? "CAP_NET_BIND_SERVICE" : ""
    const expected: Readonly<Record<string, ReadonlyArray<string>>> = {
      DynamicUser: ["yes"],
      NoNewPrivileges: ["yes"],
      ProtectSystem: ["strict"],
      ProtectHome: ["yes"],
      PrivateTmp: ["yes"],
      CapabilityBoundingSet: [caps],
      AmbientCapabilities: role === "dns" ? [caps] : [],
      StateDirectory: [`geodns-${role}`],
      ExecReload: ["/bin/kill -HUP $MAINPID"],
      Restart: ["on-failure"],
      // A process that ends within 10 seconds is never killed.
      TimeoutStopSec: ["15"],
      WatchdogSec: []
    }
    for (const [key, values] of Object.entries(expected)) assert.deepStrictEqual(service(role, key), values, key)
  })

  it("has the credentials and the work directory that the example document names, and no others", () => {
    const granted = service(role, "LoadCredential").map((credential) => credential.split(":", 1)[0]!)
    const asked = credentialsOf(example(role))
    for (const file of asked) assert.isTrue(file.startsWith(`/run/credentials/geodns-${role}.service/`), file)
    assert.deepStrictEqual([...new Set(asked.map((file) => basename(file)))].sort(), [...granted].sort())
    assert.strictEqual(example(role).System.WorkDir, `/var/lib/${service(role, "StateDirectory")[0]}`)
    assert.strictEqual(service(role, "ExecStart")[0]!.split(" ").at(-1), `/etc/geodns/${role}.json`)
  })

  it("writes only where it may, and takes secrets from where only root reads", () => {
    const [state] = service(role, "StateDirectory")
    const { Maxmind, System } = example(role)
    for (const folder of [System.WorkDir, ...Maxmind === undefined ? [] : [Maxmind.MaxmindDBPath]]) {
      assert.isTrue(`${folder}/`.startsWith(`/var/lib/${state}/`), folder)
    }
    assert.deepStrictEqual(service(role, "ReadWritePaths"), [])
    for (const credential of service(role, "LoadCredential")) {
      assert.match(credential, /^([\w.-]+):\/etc\/geodns\/credentials\/\1$/)
    }
  })

  it("has an example document without an error", () =>
    Effect.runPromise(
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        cpSync(join(root, "test/fixtures/config"), folder, { recursive: true })
        const document = example(role)
        // The secrets of the machine, and the documents of the network, are here.
        let text = JSON.stringify(document)
        for (const file of credentialsOf(document)) {
          writeFileSync(join(folder, basename(file)), "a-secret-of-the-example\n")
          text = text.replaceAll(`file:${file}`, `file:${join(folder, basename(file))}`)
        }
        text = text.replaceAll("https://documents.network.example/", "")
        writeFileSync(join(folder, "local.json"), text)
        const problems = yield* checkDocuments(join(folder, "local.json"))
        const own = problems.filter((problem) => problem.severity === "error" || problem.document === "local")
        assert.deepStrictEqual(own, [])
      }).pipe(Effect.provide(Documents.layer), Effect.scoped)
    ))

  it("says no secret", () => {
    const { AuthKeys } = example(role).MgmtApi
    const { Nats } = example(role)
    for (const secret of [Nats.Pass, ...Object.values<string>(AuthKeys)]) assert.match(secret, /^file:/)
  })
})

describe("the systemd unit of an agent", () => {
  it("runs as nobody in particular, keeps no files, and reads its document once", () => {
    const expected: Readonly<Record<string, ReadonlyArray<string>>> = {
      DynamicUser: ["yes"],
      NoNewPrivileges: ["yes"],
      ProtectSystem: ["strict"],
      ProtectHome: ["yes"],
      PrivateTmp: ["yes"],
      CapabilityBoundingSet: [""],
      StateDirectory: [],
      ReadWritePaths: [],
      ExecReload: [],
      Restart: ["on-failure"],
      TimeoutStopSec: ["15"],
      LoadCredential: ["nats-password:/etc/geodns/credentials/nats-password"]
    }
    for (const [key, values] of Object.entries(expected)) assert.deepStrictEqual(service("agent", key), values, key)
    assert.match(service("agent", "ExecStart")[0]!, / agent --config \/etc\/geodns\/agent\.json$/)
    assert.deepStrictEqual(credentialsOf(example("agent")), ["/run/credentials/geodns-agent.service/nats-password"])
  })

  it.live("has an example document that an agent can use", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [credential] = credentialsOf(example("agent"))
      writeFileSync(join(folder, "nats-password"), "a-secret-of-the-example\n")
      const text = JSON.stringify(example("agent")).replace(credential!, join(folder, "nats-password"))
      writeFileSync(join(folder, "agent.json"), text)
      const { ok, stdout } = yield* command(["config", "check", join(folder, "agent.json"), "--role", "agent"])
      assert.isTrue(ok, stdout)
      assert.include(stdout, "reports for fuji every 15 s on kusama")
      assert.include(stdout, "0 errors, 0 warnings")
    }).pipe(Effect.scoped))
})

/** The drop-ins that a document shows: where they go, and what is in them. */
const dropIns = [...readFileSync(join(root, "docs/operations.md"), "utf8").matchAll(/```ini\n(.*?)```/gs)].flatMap((
  [, text]
) =>
  text!.split(/^(?=# \/etc\/systemd\/system\/)/m).flatMap((part) => {
    const file = /^# \/etc\/systemd\/system\/(\S+)\n/.exec(part)?.[1]
    return file === undefined ? [] : [{ file, text: part }]
  })
)

describe("the drop-ins of docs/operations.md", () => {
  it("are for units of ours or of PowerDNS, and take credentials from where the units do", () => {
    assert.sameMembers(dropIns.map(({ file }) => file), [
      "geodns-dns.service.d/maxmind.conf",
      "geodns-dns.service.d/pdns.conf",
      "pdns.service.d/geodns.conf"
    ])
    const credentials = dropIns.flatMap(({ text }) =>
      [...text.matchAll(/^LoadCredential=(.*)$/gm)].map(([, one]) => one!)
    )
    assert.lengthOf(credentials, 2)
    for (const one of credentials) assert.match(one, /^([\w.-]+):\/etc\/geodns\/credentials\/\1$/)
  })

  it("name files with keys by the path of a credential that they load, as a user of the unit's own could read no other", () => {
    const text = readFileSync(join(root, "docs/operations.md"), "utf8")
    const keys = JSON.parse(/```json\n(\{.*"Keys".*\})\n```/.exec(text)![1]!).GeoDNS.Dns.Keys
    const loaded = dropIns.find(({ file }) => file.endsWith("/pdns.conf"))!.text
    for (const path of Object.values<string>(keys)) {
      assert.strictEqual(path, `/run/credentials/geodns-dns.service/${basename(path)}`)
      assert.include(loaded, `LoadCredential=${basename(path)}:`)
    }
  })
})

/** Of systemd. On machines without, nobody runs its units. */
const analyze = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"].find((file) => existsSync(file))

if (analyze !== undefined) {
  describe("systemd", () => {
    it.live("understands all that is in the units and drop-ins", () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        cpSync(join(deploy, "systemd"), folder, { recursive: true })
        for (const { file, text } of dropIns) {
          mkdirSync(dirname(join(folder, file)), { recursive: true })
          writeFileSync(join(folder, file), text)
        }
        // What PowerDNS brings itself.
        writeFileSync(join(folder, "pdns.service"), "[Service]\nExecStart=/usr/bin/env true\n")
        const verify = (...units: ReadonlyArray<string>) =>
          spawnSync(analyze, ["verify", "--man=no", ...units.map((unit) => join(folder, unit))], {
            encoding: "utf8",
            env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` }
          })
        const { status, stderr } = verify(
          ...[...roles, "agent"].map((role) => `geodns-${role}.service`),
          "pdns.service"
        )
        assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
        // It would have said so.
        writeFileSync(join(folder, "geodns-dns.service.d/pdns.conf"), "[Service]\nLoadCredentials=a:/b\n")
        assert.include(verify("geodns-dns.service").stderr, "LoadCredentials")
      }).pipe(Effect.scoped), 120_000)
  })
}

describe("the container file", () => {
  const text = readFileSync(join(deploy, "Containerfile"), "utf8")
  const lines = text.replaceAll("\\\n", " ").split("\n").filter((line) => line !== "" && !line.startsWith("#"))

  it("copies only what is there, and what the ignore file lets through", () => {
    const let_ = readFileSync(join(deploy, "Containerfile.dockerignore"), "utf8").split("\n")
      .flatMap((line) => line.startsWith("!") ? [line.slice(1)] : [])
    const copied = lines.filter((line) => line.startsWith("COPY ") && !line.includes("--from=")).flatMap((line) =>
      line.split(/\s+/).slice(1, -1)
    )
    for (const name of copied) {
      assert.include(readdirSync(root), name)
      assert.include(let_, name)
    }
    assert.deepStrictEqual([...let_].sort(), [...new Set(copied)].sort())
  })

  it("does not run as root, stops by SIGTERM, and asks itself whether it lives", () => {
    const last = (name: string) => lines.filter((line) => line.startsWith(`${name} `)).at(-1)
    assert.strictEqual(last("USER"), "USER node")
    assert.strictEqual(last("STOPSIGNAL"), "STOPSIGNAL SIGTERM")
    assert.include(last("HEALTHCHECK"), "/live")
    assert.isTrue(
      lines.filter((line) => line.startsWith("FROM ")).every((line) => /^FROM node:24-slim( AS \w+)?$/.test(line))
    )
  })
})
