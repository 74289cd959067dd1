import { assert, describe, it } from "@effect/vitest"
import { challengeAddress, maxChallengeBytes, readChallenges } from "../../src/dns/challengeRecords.ts"
import { RecordType } from "../../src/dns/protocol.ts"
import { recordText } from "../../src/dns/recordText.ts"
import { ask, read } from "./packets.ts"
import { sampleResponder } from "./samples.ts"

const texts = (body: string) => readChallenges(body)?.map((data) => recordText(RecordType.TXT, data))

describe("challenges", () => {
  it("are a value a line", () => {
    assert.deepStrictEqual(texts("gfj9Xq-Rg_85nM\r\n\n  second=  \n"), ['"gfj9Xq-Rg_85nM"', '"second="'])
    assert.deepStrictEqual(texts('with"quote\\and'), ['"with\\"quote\\\\and"'])
    assert.deepStrictEqual(texts(" \r\n "), [])
    assert.lengthOf(texts("x".repeat(255))!, 1)
    assert.lengthOf(texts("x\n".repeat(8))!, 8)
  })

  it("are no pages, and bounded", () => {
    for (
      const body of ["<html>", "not found", "a\n<b>", "x".repeat(256), "x\n".repeat(9), "ä", "a\u0000b", "a\u0007"]
    ) {
      assert.isUndefined(texts(body), body)
    }
    assert.isTrue(maxChallengeBytes >= 8 * 257)
  })

  it("are at http and https URLs", () => {
    assert.strictEqual(challengeAddress(" HTTPS://ACME.example/x "), "https://acme.example/x")
    assert.strictEqual(challengeAddress("ftp://acme.example/x"), "")
    assert.strictEqual(challengeAddress("http://[/"), "")
    assert.isUndefined(challengeAddress("gfj9Xq-Rg_85nM"))
  })

  it("are answered when they could be read, else SERVFAIL, and NODATA when there are none", () => {
    const answer = (body: string | undefined, type = "TXT") =>
      read(sampleResponder(undefined, body).respond(ask("_acme-challenge.demo.example", type), "udp", "127.0.0.1")!)
    assert.deepInclude(answer("one\ntwo"), {
      rcode: 0,
      aa: true,
      answers: ["_acme-challenge.demo.example 0 TXT one", "_acme-challenge.demo.example 0 TXT two"]
    })
    assert.deepInclude(answer(undefined), { rcode: 2, aa: false, answers: [], authority: [] })
    for (const none of [answer(""), answer("one", "A")]) {
      assert.deepInclude(none, { rcode: 0, aa: true, answers: [] })
      assert.lengthOf(none.authority, 1)
    }
  })
})
