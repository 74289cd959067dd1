import { assert, describe, it } from "@effect/vitest"
import { resultsUrl } from "../../src/status/resultsUrl.ts"

const href = (address: string, port: number | null = null) => resultsUrl(address, port)?.url.href

describe("resultsUrl", () => {
  it("takes hosts, addresses and whole URLs", () => {
    assert.strictEqual(href("monitor.example", 9090), "http://monitor.example:9090/results")
    assert.strictEqual(href("192.0.2.7", 9090), "http://192.0.2.7:9090/results")
    assert.strictEqual(href("192.0.2.7:8080", 9090), "http://192.0.2.7:8080/results")
    assert.strictEqual(href("2001:db8::1", 9090), "http://[2001:db8::1]:9090/results")
    assert.strictEqual(href("[2001:db8::1]", 9090), "http://[2001:db8::1]:9090/results")
    assert.strictEqual(href("monitor.example"), "http://monitor.example/results")
    assert.strictEqual(href("https://monitor.example", 9090), "https://monitor.example:9090/results")
    assert.strictEqual(href("https://monitor.example:8443/", 9090), "https://monitor.example:8443/results")
    assert.strictEqual(href("http://monitor.example/geo"), "http://monitor.example/geo/results")
    assert.strictEqual(href("http://monitor.example/geo/results"), "http://monitor.example/geo/results")
  })

  it("shows nothing of user and password", () => {
    const found = resultsUrl("https://user:secret@monitor.example/", 9090)
    assert.strictEqual(found?.host, "monitor.example:9090")
    assert.strictEqual(found?.url.password, "secret")
  })

  it("refuses what is no address", () => {
    for (const address of ["", "  ", "monitor example", "http://", "monitor.example/results", "user@monitor.example"]) {
      assert.isUndefined(resultsUrl(address, 9090), address)
    }
  })
})
