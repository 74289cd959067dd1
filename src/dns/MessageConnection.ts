import type { Socket } from "node:net"

/** Where a message ends: after so many bytes, not before more of it has come, or never, because it is none. */
export type MessageEnd = number | "more" | "none"

/** How messages stand one after the other on a connection, and how they are answered. */
export interface Framing {
  /** Where in `bytes` the message ends that begins at `from`, what frames it included. */
  readonly endOf: (bytes: Buffer, from: number) => MessageEnd
  /** Writes the answer to the framed message; false when it is none that is answered. */
  readonly answer: (message: Buffer, socket: Socket) => boolean
  /** The last word to a client that sends what is no message. */
  readonly refuse?: (socket: Socket) => void
}

/** What one connection may hold of us. */
export interface MessageBounds {
  /** Messages that are answered in a row before other connections get a turn. */
  readonly batch: number
  /** Milliseconds that a message may take to come in whole, and an answer to be taken. */
  readonly patience: number
  /** Whether between messages it may rest as long as it likes; else `patience` is for that, too. */
  readonly mayRest: boolean
  /** Called before it is closed because it was too slow. */
  readonly slow?: () => void
}

/**
 * A connection over which messages come, any number one after the other, answered in order. It reads on only when the client
 * takes the answers, so that it never holds more than a message or two of either side. The clock of `patience` starts again
 * with whole messages and answers that are taken: bytes that trickle do not keep it alive.
 */
export class MessageConnection {
  readonly #socket: Socket
  readonly #framing: Framing
  readonly #bounds: MessageBounds
  #timer: NodeJS.Timeout | undefined
  #unread: Buffer = Buffer.alloc(0)
  #isWaiting = false
  #isEnding = false

  constructor(socket: Socket, framing: Framing, bounds: MessageBounds) {
    this.#socket = socket
    this.#framing = framing
    this.#bounds = bounds
    if (!bounds.mayRest) this.#watch()
    socket.on("data", (bytes: Buffer) => {
      if (this.#isEnding) return
      this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
      this.#work()
    })
    socket.on("drain", () => {
      this.#timer?.refresh()
      this.#goOn()
    })
    socket.on("end", () => this.end())
    // A reset by the client closes the connection; there is nothing else to do.
    socket.on("error", () => socket.destroy())
    socket.on("close", () => clearTimeout(this.#timer))
  }

  /** Closes at once, whatever is under way. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** Reads no more; closes once everything read is answered and taken. */
  end(): void {
    this.#isEnding = true
    this.#watch()
    if (!this.#isWaiting) this.#socket.end()
  }

  #goOn(): void {
    if (!this.#isWaiting || this.#socket.destroyed) return
    this.#isWaiting = false
    this.#work()
    if (this.#isWaiting) return
    if (this.#isEnding) this.#socket.end()
    else this.#socket.resume()
  }

  #wait(): void {
    this.#isWaiting = true
    this.#socket.pause()
  }

  #watch(): void {
    this.#timer ??= setTimeout(() => {
      this.#bounds.slow?.()
      this.#socket.destroy()
    }, this.#bounds.patience)
  }

  #rest(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #work(): void {
    if (this.#isWaiting || this.#socket.destroyed) return
    const socket = this.#socket
    socket.cork()
    const answered = this.#answerAll()
    socket.uncork()
    if (answered > 0) this.#timer?.refresh()
    const isResting = this.#unread.length === 0 && !this.#isWaiting && !this.#isEnding
    if (isResting && this.#bounds.mayRest) this.#rest()
    else this.#watch()
  }

  /** Answers what has come, as long as the client takes the answers and it is nobody else's turn; gives how many. */
  #answerAll(): number {
    const { answer, endOf } = this.#framing
    const socket = this.#socket
    let at = 0
    let answered = 0
    for (;;) {
      const end = endOf(this.#unread, at)
      if (end === "more") break
      if (answered === this.#bounds.batch) {
        this.#wait()
        setImmediate(() => this.#goOn())
        break
      }
      if (end === "none" || !answer(this.#unread.subarray(at, end), socket)) {
        this.#refuse()
        return answered
      }
      answered++
      at = end
      if (socket.writableNeedDrain) {
        this.#wait()
        break
      }
    }
    this.#unread = this.#unread.subarray(at)
    return answered
  }

  /** It sends what is no message: it gets the answers that it has, and no more. */
  #refuse(): void {
    this.#unread = Buffer.alloc(0)
    this.#isEnding = true
    this.#framing.refuse?.(this.#socket)
    this.#socket.end()
  }
}
