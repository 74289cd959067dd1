import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Exit, Redacted } from "effect"
import { execFileSync } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { inspect } from "node:util"
import { newKeyFile, readKeyFile } from "../../../src/consensus/sealed/keyFile.ts"
import { Signer, signerOf } from "../../../src/consensus/sealed/Signer.ts"
import { verifierOf } from "../../../src/consensus/sealed/Verifier.ts"
import { NodeIdentity } from "../../../src/node/NodeIdentity.ts"
import { keyOfSeed } from "./fixtures.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-keys-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const file = (name: string, content: string, mode = 0o600) =>
  Effect.map(folder, (path) => {
    writeFileSync(join(path, name), content)
    chmodSync(join(path, name), mode)
    return join(path, name)
  })

const problemWith = (path: string) =>
  Effect.map(Effect.flip(readKeyFile(path)), ({ message, reason }) => ({ message, tag: reason._tag }))

const pemOf = (type: "ed25519" | "x25519") =>
  (type === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("x25519")).privateKey
    .export({ format: "pem", type: "pkcs8" }) as string

describe("the file of a key", () => {
  it.live("is made for its owner alone, and read again", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "node.key")
      const made = yield* newKeyFile(path)
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      const read = yield* readKeyFile(path)
      assert.strictEqual(read.publicKey, made.publicKey)
      assert.match(read.publicKey, /^ed25519:[\w-]{43}$/)
    }).pipe(Effect.scoped))

  it.live("is never written over", () =>
    Effect.gen(function*() {
      const path = yield* file("node.key", pemOf("ed25519"))
      const before = readFileSync(path, "utf8")
      const { message, reason } = yield* Effect.flip(newKeyFile(path))
      assert.strictEqual(reason._tag, "UnwritableFile")
      assert.match(message, /node\.key was not written: it is there already/)
      assert.strictEqual(readFileSync(path, "utf8"), before)
      const nowhere = yield* Effect.flip(newKeyFile(join(path, "x", "node.key")))
      assert.strictEqual(nowhere.reason._tag, "UnwritableFile")
    }).pipe(Effect.scoped))

  it.live("may be read by nobody else: any right of others is refused, with what to do", () =>
    Effect.gen(function*() {
      for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o777]) {
        const { message, tag } = yield* problemWith(yield* file("node.key", pemOf("ed25519"), mode))
        assert.strictEqual(tag, "RightsTooOpen", mode.toString(8))
        assert.include(message, `its mode is ${mode.toString(8)}`)
        assert.match(message, /Run: chmod 600 .*node\.key/)
      }
      for (const mode of [0o600, 0o400]) yield* readKeyFile(yield* file("node.key", pemOf("ed25519"), mode))
    }).pipe(Effect.scoped))

  // Files of root are made by root.
  it.live.runIf(process.getuid?.() === 0)("may be a credential of systemd", () =>
    Effect.gen(function*() {
      const path = yield* file("node.key", pemOf("ed25519"), 0o440)
      assert.strictEqual((yield* problemWith(path)).tag, "RightsTooOpen")
      yield* Effect.acquireRelease(
        Effect.sync(() => vi.stubEnv("CREDENTIALS_DIRECTORY", dirname(path))),
        () => Effect.sync(() => vi.unstubAllEnvs())
      )
      yield* readKeyFile(path)
    }).pipe(Effect.scoped))

  it.live("counts by the rights of the file that a link leads to", () =>
    Effect.gen(function*() {
      const path = yield* file("node.key", pemOf("ed25519"), 0o644)
      const link = join(yield* folder, "link.key")
      symlinkSync(path, link)
      assert.strictEqual((yield* problemWith(link)).tag, "RightsTooOpen")
    }).pipe(Effect.scoped))

  it.live("that is missing, no file, or no key of ours says which", () =>
    Effect.gen(function*() {
      const missing = yield* problemWith("/nowhere/node.key")
      assert.strictEqual(missing.tag, "MissingFile")
      assert.match(missing.message, /\/nowhere\/node\.key: there is no such file\. "geodns keys new"/)
      const path = yield* folder
      chmodSync(path, 0o700)
      assert.strictEqual((yield* problemWith(path)).tag, "UnreadableFile")
      const pipe = join(path, "pipe")
      execFileSync("mkfifo", ["-m", "600", pipe])
      const noFile = yield* problemWith(pipe)
      assert.strictEqual(noFile.tag, "UnreadableFile")
      assert.match(noFile.message, /not a plain file/)

      const encrypted = generateKeyPairSync("ed25519", {
        publicKeyEncoding: { format: "pem", type: "spki" },
        privateKeyEncoding: { format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "x" }
      })
      for (
        const [content, pattern] of [
          ["", /no private key in PEM/],
          ["hello", /no private key in PEM/],
          [encrypted.publicKey, /no private key in PEM/],
          [encrypted.privateKey, /encrypted with a passphrase/],
          [pemOf("x25519"), /its algorithm is x25519, and must be Ed25519/],
          [pemOf("ed25519") + " ".repeat(20_000), /longer than 16384 bytes/]
        ] as const
      ) {
        const { message, tag } = yield* problemWith(yield* file("node.key", content))
        assert.strictEqual(tag, "NotAKey")
        assert.match(message, pattern)
      }
    }).pipe(Effect.scoped))

  it.live("shows its secret nowhere", () =>
    Effect.gen(function*() {
      const pem = pemOf("ed25519")
      const secret = pem.split("\n")[1]!
      const key = yield* readKeyFile(yield* file("node.key", pem))
      const broken = yield* Effect.exit(readKeyFile(yield* file("node.key", pem.replace("BEGIN", "BEGUN"))))
      assert.isTrue(Exit.isFailure(broken))
      for (const shown of [inspect(key, { depth: 9 }), JSON.stringify(key), inspect(broken, { depth: 9 })]) {
        assert.notInclude(shown, secret)
      }
      assert.isTrue(Redacted.isRedacted(key.privateKey))
    }).pipe(Effect.scoped))
})

describe("Signer", () => {
  const text = '["geodns.vote.1","é"]'
  const checks = Effect.gen(function*() {
    const signer = yield* Signer
    const verifier = verifierOf(signer.publicKey, { simulated: true })!
    assert.strictEqual(signer.id, "m1")
    const signature = signer.sign(text)
    assert.strictEqual(signer.sign(text), signature)
    assert.isTrue(verifier.verify(text, signature))
    assert.isFalse(verifier.verify(`${text} `, signature))
    for (const garbage of ["", "x", "ed25519:", "cheap:", signature.slice(0, -1), `${signature}A`, ` ${signature}`]) {
      assert.isFalse(verifier.verify(text, garbage), garbage)
    }
    return signer
  })
  const identity = NodeIdentity.layerMemory({ id: "m1", role: "IBPMonitor" })

  it.live("of a file signs with its key, as this node", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "node.key")
      const { publicKey } = yield* newKeyFile(path)
      const signer = yield* checks.pipe(Effect.provide(Signer.layerFile(path)), Effect.provide(identity))
      assert.strictEqual(signer.publicKey, publicKey)
      assert.isTrue(existsSync(path))
    }).pipe(Effect.scoped))

  it.live("without a key does not start", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.asVoid(Signer).pipe(Effect.provide(Signer.layerFile("/nowhere/node.key")), Effect.provide(identity))
      )
      assert.strictEqual(error.reason._tag, "MissingFile")
    }))

  it.effect("of simulations signs the same in every run, and differently for each node", () =>
    Effect.gen(function*() {
      const signer = yield* checks.pipe(Effect.provide(Signer.layerCheap("m1")))
      assert.deepStrictEqual([signer.publicKey, signer.sign(text)], ["cheap:m1", "cheap:61e3de10"])
      const other = yield* Signer.pipe(Effect.provide(Signer.layerCheap("m2")))
      assert.notStrictEqual(other.sign(text), signer.sign(text))
      assert.isFalse(verifierOf(signer.publicKey, { simulated: true })!.verify(text, other.sign(text)))
    }))
})

describe("the verifier of a key", () => {
  const { publicKey } = keyOfSeed(1)

  it("is chosen by the algorithm that the key names", () => {
    assert.isDefined(verifierOf(publicKey))
    assert.isDefined(verifierOf("cheap:m1", { simulated: true }))
    assert.isUndefined(verifierOf("cheap:m1"))
    for (
      const none of [
        "",
        "rsa:x",
        publicKey.slice(8),
        publicKey.slice(0, -1),
        `${publicKey}=`,
        `${publicKey}A`,
        "ed25519:"
      ]
    ) {
      assert.isUndefined(verifierOf(none, { simulated: true }), none)
    }
  })

  it("takes one spelling of a key and of a signature only", () => {
    // The last letter holds bits that a lenient reader drops: two texts would be one key.
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    const spellings = [...letters].map((letter) => publicKey.slice(0, -1) + letter)
    const taken = spellings.filter((key) => verifierOf(key) !== undefined)
    assert.strictEqual(
      new Set(taken.map((key) => Buffer.from(key.slice(8), "base64url").toString("hex"))).size,
      taken.length
    )
    assert.include(taken, publicKey)
    const signature = signerOf("m1", keyOfSeed(1)).sign("text")
    const holding = [...letters].map((letter) => signature.slice(0, -1) + letter)
      .filter((spelling) => verifierOf(publicKey)!.verify("text", spelling))
    assert.deepStrictEqual(holding, [signature])
  })
})
