import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Local } from "../../src/domain/documents/Local.ts"
import { placeOf } from "../../src/roles/node.ts"
import { apiAddresses } from "../../src/roles/standalone.ts"

const ConfigUrls = {}
const local = (document: object = {}) =>
  Schema.decodeUnknownSync(Local)({ ...document, System: { ConfigUrls, ...(document as any).System } })

describe("placeOf", () => {
  it("counts paths from the local document, and databases from the work directory", () => {
    assert.deepStrictEqual(placeOf("/etc/geodns/local.json", local()), {
      workDir: "/etc/geodns/work",
      maxmind: "/etc/geodns/work"
    })
    const document = local({ System: { WorkDir: "/var/lib/geodns" }, Maxmind: { MaxmindDBPath: "../maxmind" } })
    assert.deepStrictEqual(placeOf("/etc/geodns/local.json", document), {
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

  it("listens on every address once", () => {
    const document = local({
      DnsApi: api("127.0.0.1", "6100"),
      MonitorApi: api("127.0.0.1", "6101"),
      CollatorApi: api("127.0.0.1", "6100")
    })
    assert.deepStrictEqual(apiAddresses(document), [
      { host: "127.0.0.1", port: 6100 },
      { host: "127.0.0.1", port: 6101 }
    ])
  })

  it("leaves out what has no port, and takes the usual address when none has", () => {
    assert.deepStrictEqual(apiAddresses(local({ DnsApi: api("::1", "") })), [{ host: "127.0.0.1", port: 6100 }])
    assert.deepStrictEqual(apiAddresses(local({ CollatorApi: api("::1", "9000") })), [{ host: "::1", port: 9000 }])
  })
})
