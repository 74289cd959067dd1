import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { shortId } from "../../src/cli/text/outageId.ts"
import { decisionIdOf } from "../../src/consensus/sealed/decisionIdOf.ts"
import type { Key } from "../../src/consensus/sealed/keyFile.ts"
import { readKeyFile } from "../../src/consensus/sealed/keyFile.ts"
import { signerOf } from "../../src/consensus/sealed/Signer.ts"
import type { DecisionProof } from "../../src/domain/DecisionProof.ts"
import type { Outage } from "../../src/domain/Outage.ts"
import { OutageStore, Store } from "../../src/store/index.ts"
import { certificate, decision, start, target, vote } from "../consensus/sealed/fixtures.ts"
import { outage as sampleOutage } from "../store/samples.ts"
import { lines } from "./geodns.ts"
import { command } from "./inProcess.ts"
import { writeLocal } from "./storeSamples.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-sealed-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const done = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const { ok, stderr, stdout } = yield* command(args)
  assert.isTrue(ok, stderr)
  return stdout
})

const refused = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const written = yield* command(args)
  assert.isFalse(written.ok, written.stdout)
  return written
})

/** A roster of three monitors with keys of their own, and an operator. */
const cluster = Effect.gen(function*() {
  const path = yield* folder
  const roster = join(path, "roster.json")
  yield* done("roster", "new", roster, "--cluster", "test")
  const keys: Record<string, Key> = {}
  for (const id of ["m1", "m2", "m3", "operator"]) {
    const file = join(path, `${id}.key`)
    yield* done("keys", "new", file)
    keys[id] = yield* readKeyFile(file)
  }
  yield* done("roster", "add", roster, "m1", keys["m1"]!.publicKey, "--ipv6", "--region", "Europe")
  yield* done("roster", "add", roster, "m2", keys["m2"]!.publicKey, "--ipv6")
  yield* done("roster", "add", roster, "m3", keys["m3"]!.publicKey)
  return { path, roster, keys, signer: (id: string) => signerOf(id, keys[id]!) }
})

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"))

describe("geodns keys", () => {
  it.live("makes a key that only its owner may read, and shows its public key", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "node.key")
      const made = lines(yield* done("keys", "new", file))
      assert.strictEqual(made[0], `wrote ${file}, which only this user may read. Keep it, and give it to nobody.`)
      assert.match(made[2]!, /^ed25519:[\w-]{43}$/)
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(yield* done("keys", "show", file), made[2])
      assert.deepStrictEqual(JSON.parse(yield* done("keys", "show", file, "--json")), { file, publicKey: made[2] })
      const again = yield* refused("keys", "new", file)
      assert.match(again.stderr, /it is there already, and a key that is lost cannot be made again/)
      assert.strictEqual(yield* done("keys", "show", file), made[2])
    }).pipe(Effect.scoped))

  it.live("says what is wrong with a key", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "node.key")
      const missing = (yield* refused("keys", "show", file)).stderr
      assert.include(missing, `${file}: there is no such file. "geodns keys new" makes a private key`)
      assert.notInclude(missing, "roster")
      const nowhere = join(file, "../none/node.key")
      assert.include((yield* refused("keys", "new", nowhere)).stderr, `there is no folder ${join(file, "../none")}`)
      writeFileSync(file, "", { mode: 0o644 })
      const { stderr } = yield* refused("keys", "show", file)
      assert.match(stderr, /others may read this private key \(its mode is 644\)\. Run: chmod 600/)
    }).pipe(Effect.scoped))
})

describe("geodns roster", () => {
  it.live("is put together in its first epoch, and then has a new one with every change", () =>
    Effect.gen(function*() {
      const { keys, roster } = yield* cluster
      const file = read(roster)
      assert.deepStrictEqual([file.epoch, file.minEpoch], [2, 1])
      assert.deepStrictEqual(file.members[0], {
        id: "m1",
        key: keys["m1"]!.publicKey,
        role: "IBPMonitor",
        ipv6: true,
        region: "Europe"
      })
      assert.deepStrictEqual(
        file.earlier.map((one: any) => [one.epoch, one.members.map(({ id }: any) => id)]),
        [[1, ["m1", "m2"]]]
      )
      const shown = yield* done("roster", "show", roster)
      assert.match(shown, /^test, epoch 2, not signed\nwith 1 earlier epoch, from 1 on\n/)
      assert.include(shown, "a decision takes 2 of 3 votes on IPv4 targets, 2 of 2 votes on IPv6 targets")
      assert.match(shown, /m1 +monitor +yes +Europe +ed25519:/)
      assert.match(shown, /m3 +monitor +no +ed25519:/)

      const removed = yield* done("roster", "remove", roster, "m1", "--retire", "--json")
      assert.deepInclude(JSON.parse(removed), { epoch: 3, minEpoch: 3, earlier: [1, 2], signed: false })
      assert.match(yield* done("roster", "show", roster), /nothing before epoch 3 counts/)
      assert.match(yield* done("roster", "show", roster), /mind: IPv6 targets are never decided: 1 of its monitors/)
    }).pipe(Effect.scoped))

  it.live("refuses what no node would take, and leaves the file as it was", () =>
    Effect.gen(function*() {
      const { keys, path, roster } = yield* cluster
      const before = readFileSync(roster, "utf8")
      const key = keys["operator"]!.publicKey
      for (
        const [args, pattern] of [
          [["add", roster, "m1", key], /m1 is a member already: --replace/],
          [["add", roster, "m4", key, "--replace"], /m4 is no member that could be replaced/],
          [["add", roster, "m4", keys["m1"]!.publicKey], /m1 and m4 have the same key/],
          [["add", roster, "m4", "cheap:m4"], /a public key, as "geodns keys show" prints it/],
          [["remove", roster, "m4"], /m4 is no member of/],
          [["new", roster, "--cluster", "x"], /roster\.json was not written: it is there already/],
          [
            ["show", join(path, "none.json")],
            /none\.json: there is no such file\. "geodns roster new" begins a roster$/m
          ],
          [
            ["sign", roster, "--key", join(path, "none.key")],
            /none\.key: there is no such file\. --key names the private key of the operator; "geodns keys new" makes one/
          ],
          [["new", join(path, "none/roster.json"), "--cluster", "x"], /there is no folder .*none$/m],
          [
            ["show", join(path, "m1.key")],
            /m1\.key is not a roster: it is no JSON: line 1, column 1: expected an object/
          ]
        ] as const
      ) {
        const { stderr, stdout } = yield* refused("roster", ...args)
        assert.match(stderr + stdout, pattern)
        assert.strictEqual(readFileSync(roster, "utf8"), before)
      }
      yield* done("roster", "remove", roster, "m3")
      assert.match((yield* refused("roster", "remove", roster, "m2")).stderr, /it has 1 monitor, and a decision needs/)
      assert.deepStrictEqual(readdirSync(path).filter((name) => name.endsWith(".tmp")), [])
    }).pipe(Effect.scoped))

  it.live("that is still put together says what is missing", () =>
    Effect.gen(function*() {
      const roster = join(yield* folder, "roster.json")
      const made = yield* done("roster", "new", roster, "--cluster", "test")
      assert.match(made, /epoch 1 of test with 0 members\nnot usable yet: it has 0 monitors/)
      const { stderr, stdout } = yield* refused("roster", "show", roster)
      assert.match(stdout, /not usable yet: it has 0 monitors/)
      assert.match(stderr, /is not a roster that can be used/)
      assert.match((yield* refused("roster", "sign", roster, "--key", "x")).stderr, /is not a roster that can be used/)
    }).pipe(Effect.scoped))

  it.live("takes no key twice, also while it is put together", () =>
    Effect.gen(function*() {
      const { keys, path } = yield* cluster
      const [one, two] = [keys["m1"]!.publicKey, keys["m2"]!.publicKey]
      const roster = join(path, "first.json")
      yield* done("roster", "new", roster, "--cluster", "test")
      yield* done("roster", "add", roster, "a", one)
      const before = readFileSync(roster, "utf8")
      const again = yield* refused("roster", "add", roster, "b", one)
      assert.match(again.stderr, /is not a roster that can be used:\s+a and b have the same key/)
      assert.strictEqual(readFileSync(roster, "utf8"), before)
      // Written by hand: nobody signs it, and it can be mended.
      const [member] = JSON.parse(before).members
      writeFileSync(roster, JSON.stringify({ ...JSON.parse(before), members: [member, { ...member, id: "b" }] }))
      for (const args of [["show", roster], ["sign", roster, "--key", join(path, "operator.key")]]) {
        assert.match((yield* refused("roster", ...args)).stderr, /a and b have the same key/)
      }
      yield* done("roster", "add", roster, "b", two, "--replace")
      yield* done("roster", "show", roster)
    }).pipe(Effect.scoped))

  it.live("keeps of a member whose key is replaced what is not given", () =>
    Effect.gen(function*() {
      const { keys, path, roster } = yield* cluster
      const file = join(path, "new.key")
      yield* done("keys", "new", file)
      const { publicKey: key } = yield* readKeyFile(file)
      const replaced = Effect.fnUntraced(function*(id: string, ...args: ReadonlyArray<string>) {
        const { members } = JSON.parse(yield* done("roster", "add", roster, id, key, "--replace", "--json", ...args))
        return members.find((member: { readonly id: string }) => member.id === id)
      })
      const before = { id: "m1", key, role: "IBPMonitor", ipv6: true, region: "Europe" }
      assert.deepStrictEqual(yield* replaced("m1"), before)
      assert.deepStrictEqual(yield* replaced("m1", "--region", "Asia"), { ...before, region: "Asia" })
      const { region: _, ...nowhere } = before
      assert.deepStrictEqual(yield* replaced("m1", "--region", "", "--no-ipv6"), { ...nowhere, ipv6: false })
      yield* done("roster", "add", roster, "d1", keys["operator"]!.publicKey, "--role", "dns")
      yield* done("roster", "remove", roster, "m1")
      assert.deepStrictEqual(yield* replaced("d1"), { id: "d1", key, role: "IBPDns", ipv6: false })
      assert.deepStrictEqual(yield* replaced("d1", "--role", "collator", "--ipv6"), {
        id: "d1",
        key,
        role: "IBPCollator",
        ipv6: true
      })
    }).pipe(Effect.scoped))

  it.live("that is none says where it is wrong, in one line", () =>
    Effect.gen(function*() {
      const { path, roster } = yield* cluster
      const good = read(roster)
      const file = join(path, "wrong.json")
      for (
        const [value, problem] of [
          [[], "expected an object, found an empty list"],
          [{ ...good, epoch: 0 }, "epoch: expected a value greater than or equal to 1, found 0"],
          [{ ...good, members: [{ ...good.members[0], role: "King" }] }, `members[0].role: expected`],
          [{ ...good, earlier: [{ ...good.earlier[0], cluster: 7 }] }, "earlier[0].cluster: expected a text, found 7"],
          [{ System: {} }, "cluster: expected a value, found nothing"]
        ] as const
      ) {
        writeFileSync(file, JSON.stringify(value))
        const { stderr } = yield* refused("roster", "show", file)
        assert.include(stderr, `${file} is not a roster: ${problem}`)
        assert.lengthOf(lines(stderr), 2, stderr)
      }
    }).pipe(Effect.scoped))

  it.live("is signed by an operator, and any change after that is seen", () =>
    Effect.gen(function*() {
      const { keys, path, roster } = yield* cluster
      const operator = keys["operator"]!.publicKey
      const show = () => command(["roster", "show", roster, "--operator-key", operator])
      assert.match((yield* show()).stderr, /the roster of epoch 1 is not signed/)
      const signed = lines(yield* done("roster", "sign", roster, "--key", join(path, "operator.key")))
      assert.strictEqual(signed.at(-1), operator)
      assert.match((yield* show()).stdout, /signed by this operator/)
      const other = yield* refused("roster", "show", roster, "--operator-key", keys["m1"]!.publicKey)
      assert.match(other.stderr, /not signed by the pinned key of the operator/)
      const good = readFileSync(roster, "utf8")
      writeFileSync(roster, good.replace('"ipv6": true', '"ipv6": false'))
      assert.isFalse((yield* show()).ok)
      writeFileSync(roster, good)
      yield* done("roster", "add", roster, "m4", (yield* readKeyFile(join(path, "operator.key"))).publicKey)
      assert.match((yield* show()).stderr, /the roster of epoch 3 is not signed/)
    }).pipe(Effect.scoped))
})

describe("geodns verify", () => {
  const written = Effect.gen(function*() {
    const there = yield* cluster
    const { path, roster, signer } = there
    const file = join(path, "decision.json")
    const votes = (...ids: ReadonlyArray<string>) =>
      ids.map((id, i) => vote(id, { epoch: 2, at: start + i, signer: signer(id) }))
    const check = (value: unknown, ...more: ReadonlyArray<string>) => {
      writeFileSync(file, JSON.stringify(value))
      return command(["verify", file, "--roster", roster, ...more])
    }
    return { ...there, file, votes, check }
  })

  /** As on the wire: times are texts. */
  const published = (of: Parameters<typeof decision>[0], options: Parameters<typeof decision>[1] = {}) => {
    const { DecidedAt, Proposal, ...rest } = decision(of, options)
    return {
      ...rest,
      DecidedAt: new Date(DecidedAt).toISOString(),
      Proposal: { ...Proposal, Timestamp: new Date(Proposal.Timestamp).toISOString() }
    }
  }

  it.live("shows who saw what and when, and that it proves the decision", () =>
    Effect.gen(function*() {
      const { check, votes } = yield* written
      const given = certificate({ epoch: 2, votes: votes("m3", "m1") })
      for (const value of [given, published(given)]) {
        const { ok, stderr, stdout } = yield* check(value)
        assert.isTrue(ok, stderr)
        assert.deepStrictEqual(lines(stdout), [
          "endpoint wss Lagoon wss://rpc.example/polkadot (IPv4): down, step 1 of its register",
          "by the roster of epoch 2 of test",
          "VOTER  SAW IT  AT",
          "m3     down    2026-04-21T08:00:00.000Z  signed",
          "m1     down    2026-04-21T08:00:00.001Z  signed",
          "This proves the decision: 2 of 3 members saw the target down, and it takes 2."
        ])
      }
      assert.deepStrictEqual(JSON.parse((yield* check(given, "--json")).stdout), {
        proves: true,
        cluster: "test",
        epoch: 2,
        target,
        seq: 1,
        status: "down",
        electorate: 3,
        quorum: 2,
        votes: [
          { voter: "m3", observedAt: "2026-04-21T08:00:00.000Z", verdict: "signed" },
          { voter: "m1", observedAt: "2026-04-21T08:00:00.001Z", verdict: "signed" }
        ]
      })
    }).pipe(Effect.scoped))

  it.live("says of each vote what it is worth, why nothing is proved, and exits with 1", () =>
    Effect.gen(function*() {
      const { check, signer, votes } = yield* written
      const few = yield* check(certificate({
        epoch: 2,
        votes: [...votes("m1", "m1"), vote("x", { epoch: 2, signer: signer("operator") })]
      }))
      assert.isFalse(few.ok)
      assert.match(
        few.stdout,
        /m1 .* signed\nm1 .* a second vote, which does not count\nx .* none of those who can judge/
      )
      assert.match(few.stdout, /This does not prove the decision: 1 vote counts, and it takes 2 of 3 members/)
      assert.match(few.stderr, /decision\.json does not prove the decision: 1 vote counts/)

      const forged = yield* check(
        certificate({ epoch: 2, votes: [...votes("m1"), vote("m2", { epoch: 2, signer: signer("m3") })] }),
        "--json"
      )
      assert.isFalse(forged.ok)
      const { proves, reason, votes: judged } = JSON.parse(forged.stdout)
      assert.deepStrictEqual([proves, reason, judged.map(({ verdict }: any) => verdict)], [
        false,
        "BadSignature",
        ["signed", "forged"]
      ])
      const unknown = yield* check(certificate({ epoch: 9, votes: votes("m1", "m2") }))
      assert.isFalse(unknown.ok)
      assert.match(unknown.stdout, /m1 .* cannot be checked/)
      assert.match(
        unknown.stderr,
        /the roster of epoch 9 is not known; the newest .* 2\. .*roster\.json is too old: name a roster with epoch 9 with --roster/
      )
      const { stderr: elsewhere } = yield* check({
        ...certificate({ epoch: 2, votes: votes("m1") }),
        cluster: "o\u001bx"
      })
      assert.match(
        elsewhere,
        /it is of the cluster o x, and the roster is of test\. Name the roster of o x with --roster/
      )
      const given = certificate({ epoch: 2, votes: votes("m1", "m2") })
      assert.match((yield* check(published(given, { up: true }))).stderr, /the certificate says down/)
      assert.match((yield* check(published(given, { passed: false }))).stderr, /did not pass/)
    }).pipe(Effect.scoped))

  it.live("goes by earlier epochs as long as they are not retired", () =>
    Effect.gen(function*() {
      const { check, keys, roster, votes } = yield* written
      const given = certificate({ epoch: 2, votes: votes("m1", "m3") })
      yield* done("roster", "remove", roster, "m1")
      assert.isTrue((yield* check(given)).ok)
      yield* done("roster", "add", roster, "m1", keys["m1"]!.publicKey, "--retire")
      const { ok, stderr } = yield* check(given)
      assert.isFalse(ok)
      assert.match(
        stderr,
        /it is of epoch 2, and those before epoch 4 are retired: .* By a copy of the roster from before/
      )
      // Who has forgotten the epoch needs another file, and not a newer one.
      const { earlier: _, ...last } = read(roster)
      writeFileSync(roster, JSON.stringify(last))
      assert.match((yield* check(given)).stderr, /goes back to epoch 4 only: name one that still has epoch 2/)
    }).pipe(Effect.scoped))

  it.live("says what the file is when it is no certificate", () =>
    Effect.gen(function*() {
      const { check, file, keys, roster, votes } = yield* written
      const given = certificate({ epoch: 2, votes: votes("m1", "m2") })
      const { Certificate: _, ...plain } = published(given)
      assert.match(
        (yield* check(plain)).stderr,
        /decision\.json is a decision without a certificate: it was made without/
      )
      assert.match(
        (yield* check({ ...published(given), Certificate: { seq: 1 } })).stderr,
        /a decision with a certificate that is none: cluster: expected a value/
      )
      assert.match(
        (yield* check([])).stderr,
        /decision\.json is not a certificate: expected an object, found an empty list/
      )
      const [first] = given.votes
      const wrong = { ...given, votes: [first, { ...first, observedAt: "noon" }] }
      assert.match(
        (yield* check(wrong)).stderr,
        /is not a certificate: votes\[1\]\.observedAt: expected an RFC 3339 time, found "noon"/
      )
      assert.match((yield* check({ opening: given, closing: 7 })).stderr, /is not the proof of an outage: closing: /)
      assert.match((yield* check(read(roster))).stderr, /is not a certificate: T: expected a value, found nothing/)
      writeFileSync(file, "{")
      assert.match((yield* refused("verify", file, "--roster", roster)).stderr, /it is no JSON/)
      assert.match(
        (yield* refused("verify", "/nowhere", "--roster", roster)).stderr,
        /\/nowhere: there is no such file\. Without --config it is a file that is verified; --config names the store/
      )
      assert.match(
        (yield* refused("verify", file, "--roster", "/nowhere")).stderr,
        /\/nowhere: there is no such file\. --roster names that of the cluster, as GeoDNS\.Consensus\.Roster does/
      )
      const unsigned = yield* check(given, "--operator-key", keys["operator"]!.publicKey)
      assert.isFalse(unsigned.ok)
      assert.match(unsigned.stderr, /is not signed/)
    }).pipe(Effect.scoped))

  describe("of an outage", () => {
    const minute = 60_000
    /** A collator's store, with what an outage of the target was opened and closed by. */
    const stored = Effect.gen(function*() {
      const there = yield* written
      const local = yield* writeLocal()
      const proofOf = (seq: number, at: number, ...ids: ReadonlyArray<string>): DecisionProof => ({
        seq,
        late: false,
        certificate: certificate({
          epoch: 2,
          seq,
          votes: ids.map((id) => vote(id, { epoch: 2, seq, at, signer: there.signer(id) }))
        })
      })
      const store = (outage: Outage, opening?: DecisionProof, closing?: DecisionProof) =>
        OutageStore.use((store) =>
          store.open(outage, closing && { id: `seq-${closing.seq}`, votes: {}, proof: closing }, opening)
        ).pipe(Effect.provide(Store.layerSqlite({ filename: local.sqlite })))
      const check = (id: string, ...more: ReadonlyArray<string>) =>
        command(["verify", id, "--roster", there.roster, "--config", local.file, ...more])
      return { ...there, check, proofOf, store }
    })
    const outage = (id: string, options: Partial<Outage> = {}) => sampleOutage(id, { target, start, ...options })

    it.live("shows who saw its beginning and its end, and that both are proved", () =>
      Effect.gen(function*() {
        const { check, proofOf, store } = yield* stored
        const end = start + 5 * minute
        yield* store(outage("seq-1-x", { end }), proofOf(1, start, "m1", "m2"), proofOf(2, end, "m2", "m3"))
        const { ok, stderr, stdout } = yield* check("seq-1-x")
        assert.isTrue(ok, stderr)
        assert.deepStrictEqual(lines(stdout), [
          "Outage seq-1-x",
          "endpoint wss Lagoon wss://rpc.example/polkadot (IPv4): down from 2026-04-21 08:00:00Z to 2026-04-21 08:05:00Z",
          "Its beginning",
          "endpoint wss Lagoon wss://rpc.example/polkadot (IPv4): down, step 1 of its register",
          "by the roster of epoch 2 of test",
          "VOTER  SAW IT  AT",
          "m1     down    2026-04-21T08:00:00.000Z  signed",
          "m2     down    2026-04-21T08:00:00.000Z  signed",
          "This proves the decision: 2 of 3 members saw the target down, and it takes 2.",
          "Its end",
          "endpoint wss Lagoon wss://rpc.example/polkadot (IPv4): up, step 2 of its register",
          "by the roster of epoch 2 of test",
          "VOTER  SAW IT  AT",
          "m2     up      2026-04-21T08:05:00.000Z  signed",
          "m3     up      2026-04-21T08:05:00.000Z  signed",
          "This proves the decision: 2 of 3 members saw the target up, and it takes 2.",
          "The outage is proved."
        ])
        const document = JSON.parse((yield* check("seq-1-x", "--json")).stdout)
        assert.deepStrictEqual(
          [document.proves, document.outage.id, document.outage.seq, document.outage.late, document.notes],
          [true, "seq-1-x", 1, false, []]
        )
        assert.deepStrictEqual(
          [document.opening, document.closing].map(({ proves, quorum, seq, status }) => [proves, seq, status, quorum]),
          [[true, 1, "down", 2], [true, 2, "up", 2]]
        )
      }).pipe(Effect.scoped))

    it.live("says what is not proved, and what the store has otherwise than the votes", () =>
      Effect.gen(function*() {
        const { check, proofOf, signer, store } = yield* stored
        const at = (n: number) => start + n * 10 * minute
        const good = (seq: number, n: number) => proofOf(seq, at(n), "m1", "m2")
        const of = (check: string) => ({ target: { ...target, check } })
        yield* store(outage("open"), good(1, 0))
        yield* store(outage("plain", { ...of("a"), start: at(1), end: at(2) }))
        yield* store(outage("half", { start: at(3), end: at(4) }), good(3, 3))
        const forged = certificate({
          epoch: 2,
          seq: 5,
          votes: [
            vote("m1", { epoch: 2, seq: 5, signer: signer("m1") }),
            vote("m2", { epoch: 2, seq: 5, signer: signer("m3") })
          ]
        })
        yield* store(
          outage("forged", { start: at(5), end: at(6) }),
          { seq: 5, late: false, certificate: forged },
          good(6, 6)
        )
        yield* store(outage("other", { ...of("b"), start: at(7), end: at(8) }), good(1, 7), good(2, 8))
        yield* store(outage("turned", { start: at(9), end: at(10) }), good(2, 9), good(3, 10))
        yield* store(outage("seq-15-x", { start: at(15), end: at(16) }), good(17, 15), good(18, 16))
        yield* store(outage("before", { start: at(11), end: at(12) }), good(9, 11), good(8, 12))
        const late = { ...good(14, 14), late: true }
        yield* store(outage("noted", { start: at(13) - 5 * minute, end: at(14) }), good(11, 13), late)

        const open = yield* check("open")
        assert.isTrue(open.ok, open.stderr)
        assert.match(open.stdout, /on, and still open\n[^]*The outage is proved, as far as it is over\.$/)
        const problem = Effect.fnUntraced(function*(id: string) {
          const { ok, stderr, stdout } = yield* check(id)
          assert.isFalse(ok)
          assert.match(stdout, /The outage is not proved\.$/)
          const json = yield* check(id, "--json")
          assert.isFalse(JSON.parse(json.stdout).proves)
          return stderr.replace(`the outage ${id} is not proved: `, "").trim()
        })
        assert.include(
          yield* problem("plain"),
          "its beginning: no certificate is stored: it was decided without signatures"
        )
        assert.include(yield* problem("half"), "its end: it ended without a decision")
        assert.include(
          yield* problem("forged"),
          "its beginning: the signature of m2 is not one of its key over this vote"
        )
        assert.include(yield* problem("other"), "its beginning: its certificate is of another target")
        assert.include(yield* problem("turned"), "its beginning: its certificate says that the target is up")
        assert.include(
          yield* problem("seq-15-x"),
          "its beginning: its certificate is of step 17, and its id is of step 15"
        )
        assert.include(
          yield* problem("before"),
          "its end: its certificate is of step 8, and the outage began with step 9"
        )
        const noted = yield* check("noted")
        assert.isTrue(noted.ok, noted.stderr)
        assert.deepStrictEqual(lines(noted.stdout).filter((line) => line.startsWith("Note: ")), [
          "Note: it is marked late: a decision on it was learnt long after it was observed.",
          "Note: of the steps between 11 and 14 nothing is stored: the target may have been up meanwhile.",
          "Note: the store has 2026-04-21T10:05:00.000Z for its beginning, and the last of its votes was observed at 2026-04-21T10:10:00.000Z."
        ])
      }).pipe(Effect.scoped))

    it.live("that the store does not have, or cannot tell from others, ends like a wrong command line", () =>
      Effect.gen(function*() {
        const { check, proofOf, store } = yield* stored
        const end = start + minute
        const other = { ...target, check: "other" }
        yield* store(
          outage("seq-1-abcdef0123456789", { end }),
          proofOf(1, start, "m1", "m2"),
          proofOf(2, end, "m1", "m2")
        )
        yield* store(outage("seq-1-abcdefff", { end, target: other }))
        const unknown = yield* check("seq-9-x")
        assert.strictEqual(unknown.code, 2)
        assert.match(
          unknown.stderr,
          /^geodns verify: the store has no outage "seq-9-x": geodns outages --json lists their ids/
        )
        const several = yield* check("seq-1-abcdef")
        assert.strictEqual(several.code, 2)
        assert.include(
          several.stderr,
          `"seq-1-abcdef" is the beginning of several ids: write more of it, as "seq-1-abcdef0123456789", "seq-1-abcdefff"`
        )
        const one = yield* check("seq-1-abcdef0")
        assert.isTrue(one.ok, one.stderr)
        assert.match(one.stdout, /^Outage seq-1-abcdef0123456789\n/)
        assert.strictEqual((yield* check("")).code, 2)
        assert.strictEqual((yield* check("seq-1-abcdef0", "--operator-key", "nonsense")).code, 2)
      }).pipe(Effect.scoped))

    describe("that is exported", () => {
      const proofFile = Effect.gen(function*() {
        const there = yield* stored
        const file = join(there.path, "proof.json")
        const end = start + 5 * minute
        const verified = (...more: ReadonlyArray<string>) =>
          command(["verify", file, "--roster", there.roster, ...more])
        return { ...there, proof: file, end, verified }
      })

      it.live("is checked by the roster alone, and says when it was by its votes", () =>
        Effect.gen(function*() {
          const { check, end, proof, proofOf, store, verified } = yield* proofFile
          const id = decisionIdOf(target, 1)
          yield* store(outage(id, { end }), proofOf(1, start, "m1", "m2", "m2"), proofOf(2, end, "m2", "m3"))
          const written = yield* check(shortId(id), "--export", proof)
          assert.isTrue(written.ok, written.stderr)
          assert.strictEqual(
            written.stderr,
            `wrote ${proof}, with what proves its beginning and its end. Who has the roster checks it: geodns verify ${proof} --roster ROSTER`
          )
          assert.deepStrictEqual(Object.keys(read(proof)), ["opening", "closing"])
          assert.deepStrictEqual(read(proof).opening.votes.map(({ voter }: any) => voter), ["m1", "m2"])
          const { ok, stderr, stdout } = yield* verified()
          assert.isTrue(ok, stderr)
          const [first, ...rest] = lines(stdout)
          assert.strictEqual(first, `Outage ${id}`)
          // The same as by the store, but for the vote that does not count, which is not in it.
          assert.deepStrictEqual(rest, lines(written.stdout).slice(1).filter((line) => !line.includes("a second vote")))
          const document = JSON.parse((yield* verified("--json")).stdout)
          assert.deepInclude(document, { proves: true, notes: [] })
          assert.deepInclude(document.outage, {
            id,
            start: "2026-04-21T08:00:00.000Z",
            end: "2026-04-21T08:05:00.000Z"
          })
          const again = yield* check(id, "--export", proof)
          assert.strictEqual(again.code, 1)
          assert.include(again.stderr, `${proof} was not written: it is there already`)
        }).pipe(Effect.scoped))

      it.live("proves nothing when it was tampered with", () =>
        Effect.gen(function*() {
          const { check, end, proof, proofOf, store, verified } = yield* proofFile
          yield* store(outage("o", { end }), proofOf(1, start, "m1", "m2"), proofOf(2, end, "m2", "m3"))
          yield* check("o", "--export", proof)
          const { closing, opening } = read(proof)
          const late = {
            ...opening,
            votes: opening.votes.map((one: any) => ({ ...one, observedAt: one.observedAt.replace("08:00", "07:00") }))
          }
          for (
            const [value, problem] of [
              [{ opening: late, closing }, /its beginning: the signature of m1 is not one of its key/],
              [{ opening, closing: { ...closing, seq: 4 } }, /its end: the signature of m2/],
              [{ opening: closing, closing: opening }, /its beginning: its certificate says that the target is up/],
              [{ opening, closing: opening }, /its end: its certificate says that the target is down/],
              [{ opening, closing: { ...closing, T: { ...target, member: "Other" } } }, /its end: the signature of m2/],
              [{ opening: { ...opening, votes: [] }, closing }, /its beginning: 0 votes count/]
            ] as const
          ) {
            writeFileSync(proof, JSON.stringify(value))
            const { code, stderr, stdout } = yield* verified()
            assert.strictEqual(code, 1)
            assert.match(stderr, problem)
            assert.match(stdout, /The outage is not proved\.$/)
            // A time that nobody signed is not shown as that of the outage.
            assert.notInclude(stdout, "down from 2026-04-21 07:")
          }
        }).pipe(Effect.scoped))

      it.live("holds no more than is proved", () =>
        Effect.gen(function*() {
          const { check, end, proof, proofOf, store, verified } = yield* proofFile
          const of = (check: string) => ({ target: { ...target, check } })
          yield* store(outage("plain", { ...of("a"), end }))
          yield* store(outage("half", { end }), proofOf(1, start, "m1", "m2"))
          const plain = yield* check("plain", "--export", proof)
          assert.strictEqual(plain.code, 1)
          assert.include(plain.stderr, `${proof} was not written, as the outage is not proved: its beginning: `)
          assert.isFalse(existsSync(proof))
          const half = yield* check("half", "--export", proof)
          assert.strictEqual(half.code, 1)
          assert.match(half.stderr, /with what proves its beginning\. [^]*is not proved: its end: it ended without/)
          const { ok, stdout } = yield* verified()
          assert.isTrue(ok)
          assert.match(stdout, /down from 2026-04-21 08:00:00Z on\n/)
          assert.match(stdout, /Note: the file has no end of it: .*\nThat the outage began is proved\.$/)
          const wrong = yield* verified("--export", join(proof, "x"))
          assert.strictEqual(wrong.code, 2)
          assert.include(wrong.stderr, "--export goes with --config")
        }).pipe(Effect.scoped))
    })
  })
})
