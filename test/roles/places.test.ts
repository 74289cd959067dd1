import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Local } from "../../src/domain/documents/Local.ts"
import { apiAddresses, wantSamePort } from "../../src/roles/apis.ts"
import { placeOf } from "../../src/roles/Place.ts"

const ConfigUrls = {}
const local = (document: object = {}) =>
  Schema.decodeUnknownSync(Local)({ ...document, System: { ConfigUrls, ...(document as any).System } })

describe("placeOf", () => {
  it("counts paths from the local document, and databases from the work directory", () => {
    assert.deepInclude(placeOf("/etc/geodns/local.json", local()), {
      workDir: "/etc/geodns/work",
      maxmind: "/etc/geodns/work"
    })
    const document = local({ System: { WorkDir: "/var/lib/geodns" }, Maxmind: { MaxmindDBPath: "../maxmind" } })
    assert.deepInclude(placeOf("/etc/geodns/local.json", document), {
      workDir: "/var/lib/geodns",
      maxmind: "/etc/maxmind"
    })
  })

  it("counts them from where the process runs when the document comes from the web", () => {
    const { maxmind, workDir } = placeOf(
      "https://documents.example/node/local.json",
      local({ System: { WorkDir: "here" } })
    )
    assert.strictEqual(workDir, `${process.cwd()}/here`)
    assert.strictEqual(maxmind, workDir)
  })
})

describe("apiAddresses", () => {
  const api = (ListenAddress: string, ListenPort: string) => ({ ListenAddress, ListenPort })
  const all = ["DnsApi", "MonitorApi", "CollatorApi", "MgmtApi"] as const
  const file = (path: string) => `/etc/geodns/${path}`

  it("listens on every address once, with the keys of all its APIs", () => {
    const document = local({
      DnsApi: api("127.0.0.1", "6100"),
      MonitorApi: api("127.0.0.1", "6101"),
      CollatorApi: api("127.0.0.1", "6100"),
      MgmtApi: api("::1", "6200")
    })
    assert.deepStrictEqual(apiAddresses(document, all, file), [
      { host: "127.0.0.1", port: 6100, apis: ["DnsApi", "CollatorApi"] },
      { host: "127.0.0.1", port: 6101, apis: ["MonitorApi"] },
      { host: "::1", port: 6200, apis: ["MgmtApi"] }
    ])
    assert.deepStrictEqual(apiAddresses(document, ["MonitorApi"], file), [
      { host: "127.0.0.1", port: 6101, apis: ["MonitorApi"] }
    ])
  })

  it("leaves out what has no port, and takes the usual address of the role when none has", () => {
    assert.deepStrictEqual(apiAddresses(local({ CollatorApi: api("::1", "9000") }), all, file), [
      { host: "::1", port: 9000, apis: ["CollatorApi"] }
    ])
    const none = local({ MonitorApi: api("::1", "") })
    assert.deepStrictEqual(apiAddresses(none, all, file), [{ host: "127.0.0.1", port: 6100, apis: ["DnsApi"] }])
    assert.deepStrictEqual(apiAddresses(none, ["MonitorApi"], file), [{
      host: "::1",
      port: 6101,
      apis: ["MonitorApi"]
    }])
    assert.deepStrictEqual(
      apiAddresses(local({ MgmtApi: api("127.0.0.1", "6200") }), ["CollatorApi", "MgmtApi"], file),
      [
        { host: "127.0.0.1", port: 9000, apis: ["CollatorApi"] },
        { host: "127.0.0.1", port: 6200, apis: ["MgmtApi"] }
      ]
    )
  })

  it("finds the files of TLS beside the local document", () => {
    const document = local({ GeoDNS: { Http: { Tls: { CertFile: "tls/cert.pem", KeyFile: "tls/key.pem" } } } })
    assert.deepStrictEqual(apiAddresses(document, ["DnsApi"], file)[0]!.tls, {
      certFile: "/etc/geodns/tls/cert.pem",
      keyFile: "/etc/geodns/tls/key.pem"
    })
  })
})

describe("wantSamePort", () => {
  it("knows which addresses exclude each other", () => {
    const at = (host: string, port: number) => ({ host, port })
    assert.isTrue(wantSamePort(at("127.0.0.1", 80), at("127.0.0.1", 80)))
    assert.isTrue(wantSamePort(at("127.0.0.1", 80), at("0.0.0.0", 80)))
    assert.isTrue(wantSamePort(at("::", 80), at("127.0.0.1", 80)))
    assert.isFalse(wantSamePort(at("127.0.0.1", 80), at("127.0.0.1", 81)))
    assert.isFalse(wantSamePort(at("127.0.0.1", 80), at("127.0.0.2", 80)))
    assert.isFalse(wantSamePort(at("::", 0), at("::", 0)), "the system chooses two ports")
  })
})
