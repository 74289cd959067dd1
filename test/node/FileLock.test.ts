import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import { FileLock } from "../../src/node/index.ts"

const roots = [tmpdir(), "/dev/shm"].filter((folder) => existsSync(folder)).map((folder) =>
  mkdtempSync(join(folder, "geodns-lock-"))
)
afterAll(() => roots.forEach((root) => rmSync(root, { recursive: true, force: true })))

const tryLock = (path: string) => Effect.scoped(FileLock.acquire(path, "test"))
const holderOf = (error: FileLock.FileLockError) => error.reason._tag === "Held" ? error.reason.holder : undefined

describe("FileLock", () => {
  for (const root of roots) {
    it.live(`excludes a second scope of this process, until the first closes (${root})`, () =>
      Effect.gen(function*() {
        const path = join(root, "made", "when-needed.lock")
        const scope = yield* Scope.make()
        yield* FileLock.acquire(path, "dns-1").pipe(Scope.provide(scope))
        const error = yield* Effect.flip(tryLock(path))
        assert.match(holderOf(error) ?? "", new RegExp(`^process ${process.pid} on .* since 20.*Z \\(dns-1\\)$`))
        assert.match(error.message, /is locked by process .*: stop it first, or use another directory/)
        // The attempt took nothing away.
        assert.strictEqual((yield* Effect.flip(tryLock(path))).reason._tag, "Held")
        assert.deepStrictEqual(readdirSync(dirname(path)), ["when-needed.lock", "when-needed.lock.holder"])
        yield* Scope.close(scope, Exit.void)
        yield* tryLock(path)
        yield* tryLock(path)
        assert.deepStrictEqual(readdirSync(dirname(path)), ["when-needed.lock"])
      }))

    it.live(`excludes other processes, and kill -9 frees it (${root})`, () =>
      Effect.gen(function*() {
        const path = join(root, "process.lock")
        for (let round = 0; round < 3; round++) {
          const child = spawn(process.execPath, [fileURLToPath(new URL("./lockHolder.ts", import.meta.url)), path], {
            stdio: ["ignore", "pipe", "inherit"]
          })
          yield* Effect.promise(() => once(child.stdout, "data"))
          const error = yield* Effect.flip(tryLock(path))
          assert.include(holderOf(error), `process ${child.pid} on`)
          child.kill("SIGKILL")
          yield* Effect.promise(() => once(child, "exit"))
          yield* tryLock(path)
        }
      }), 120_000)
  }

  it.live("says why a file cannot be a lock", () =>
    Effect.gen(function*() {
      const path = join(roots[0]!, "a-file")
      writeFileSync(path, "this is no lock, and longer than nothing".repeat(50))
      const notOurs = yield* Effect.flip(tryLock(path))
      assert.strictEqual(notOurs.reason._tag, "Unlockable")
      const below = yield* Effect.flip(tryLock(join(path, "x.lock")))
      assert.include(below.message, "file already exists")
    }))
})
