import { Duplex } from "node:stream"

/** A turn of the event loop. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A client that takes what is written only when told to. */
export class SlowClient extends Duplex {
  readonly taken: Array<Buffer> = []
  #take: (() => void) | undefined

  constructor() {
    super({ highWaterMark: 64, allowHalfOpen: true })
  }

  setNoDelay(): this {
    return this
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(bytes)
    this.#take = done
  }

  /** Takes what is written now. */
  accept(): void {
    const take = this.#take
    this.#take = undefined
    take?.()
  }

  /** Takes everything that is written. */
  async acceptAll(): Promise<void> {
    for (let i = 0; i < 20 || this.writableLength > 0; i++) {
      this.accept()
      await turn()
    }
  }
}
