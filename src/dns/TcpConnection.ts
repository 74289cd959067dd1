import type { Socket } from "node:net"
import { headerBytes } from "./protocol.ts"

/** What a client can hold of us over TCP. Times in milliseconds. */
export interface TcpBounds {
  /** Open at once; a new one takes the place of the one that has been idle for longest. */
  readonly connections: number
  /** Of them, those of one client (an IPv4 address, an IPv6 /56). */
  readonly perClient: number
  /** How long a connection may go without a whole message from the client, or without taking what we wrote. */
  readonly idle: number
  /** Messages of one connection that are answered in a row before others get a turn. */
  readonly batch: number
  /** How long clients may take to read the last answers when the server closes. */
  readonly drain: number
}

/** The bounds of a server that is told nothing else. */
export const tcpBounds: TcpBounds = { connections: 200, perClient: 20, idle: 10_000, batch: 64, drain: 1_000 }

/**
 * One connection of a client: messages with their length before them, any number one after the other, answered in order
 * (RFC 7766). It reads on only when the client takes the answers, so that it never holds more than a message or two of
 * either side. The clock of `idle` starts again with whole messages only: bytes that trickle do not keep it alive.
 */
export class TcpConnection {
  readonly #socket: Socket
  readonly #answer: (message: Buffer) => Buffer | undefined
  readonly #bounds: TcpBounds
  readonly #timer: NodeJS.Timeout
  #unread: Buffer = Buffer.alloc(0)
  #isWaiting = false
  #isEnding = false

  constructor(socket: Socket, answer: (message: Buffer) => Buffer | undefined, bounds: TcpBounds) {
    this.#socket = socket
    this.#answer = answer
    this.#bounds = bounds
    this.#timer = setTimeout(() => socket.destroy(), bounds.idle)
    socket.setNoDelay(true)
    socket.on("data", (bytes: Buffer) => {
      if (this.#isEnding) return
      this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
      this.#work()
    })
    socket.on("drain", () => {
      this.#timer.refresh()
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

  /** It sends what is no question: it gets the answers that it has, and no more. */
  #refuse(): void {
    this.#unread = Buffer.alloc(0)
    this.#isEnding = true
    this.#socket.uncork()
    this.#socket.end()
  }

  #work(): void {
    if (this.#isWaiting || this.#socket.destroyed) return
    const socket = this.#socket
    socket.cork()
    let at = 0
    let answered = 0
    while (this.#unread.length - at >= 2) {
      const length = this.#unread.readUInt16BE(at)
      if (length < headerBytes) return this.#refuse()
      const end = at + 2 + length
      if (end > this.#unread.length) break
      if (answered === this.#bounds.batch) {
        this.#wait()
        setImmediate(() => this.#goOn())
        break
      }
      const response = this.#answer(this.#unread.subarray(at + 2, end))
      if (response === undefined) return this.#refuse()
      answered++
      at = end
      const prefix = Buffer.allocUnsafe(2)
      prefix.writeUInt16BE(response.length)
      socket.write(prefix)
      socket.write(response)
      if (socket.writableNeedDrain) {
        this.#wait()
        break
      }
    }
    this.#unread = this.#unread.subarray(at)
    socket.uncork()
    if (answered > 0 && !socket.writableNeedDrain) this.#timer.refresh()
  }
}
