import type { Socket } from "node:net"
import type { PdnsBounds } from "./bounds.ts"
import { errorReply, type HandlePdns } from "./handler.ts"
import type { PdnsDrop } from "./PdnsTally.ts"

const lineFeed = 10

/**
 * One connection over a Unix socket: requests and answers of one line each, in order. It reads on only when the answers
 * are taken. A request that has begun, or an answer that is not taken, has its time; between requests a connection may
 * rest as long as it likes, since PowerDNS notices only with a lost question that it was closed.
 */
export class LineConnection {
  readonly #socket: Socket
  readonly #handle: HandlePdns
  readonly #bounds: PdnsBounds
  readonly #drop: (reason: PdnsDrop) => void
  #unread: Buffer = Buffer.alloc(0)
  #timer: NodeJS.Timeout | undefined
  #isWaiting = false
  #isEnding = false

  constructor(socket: Socket, handle: HandlePdns, bounds: PdnsBounds, drop: (reason: PdnsDrop) => void) {
    this.#socket = socket
    this.#handle = handle
    this.#bounds = bounds
    this.#drop = drop
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
    // PowerDNS is gone: there is nothing else to do.
    socket.on("error", () => socket.destroy())
    socket.on("close", () => clearTimeout(this.#timer))
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

  #work(): void {
    if (this.#isWaiting || this.#socket.destroyed) return
    let at = 0
    let answers = ""
    for (let answered = 0;; answered++) {
      const end = this.#unread.indexOf(lineFeed, at)
      if ((end < 0 ? this.#unread.length : end) - at > this.#bounds.requestBytes) return this.#refuse(answers)
      if (end < 0) break
      if (answered === this.#bounds.batch || answers.length >= this.#bounds.batchLength) {
        this.#wait()
        setImmediate(() => this.#goOn())
        break
      }
      answers += this.#handle(this.#unread.toString("utf8", at, end)) + "\n"
      at = end + 1
    }
    this.#unread = this.#unread.subarray(at)
    if (answers !== "") {
      this.#timer?.refresh()
      if (!this.#socket.write(answers)) this.#wait()
    }
    if (this.#unread.length > 0 || this.#isWaiting) this.#watch()
    else this.#rest()
  }

  /** Only whole requests and answers start the clock again: bytes that trickle do not. */
  #watch(): void {
    this.#timer ??= setTimeout(() => {
      this.#drop("slow")
      this.#socket.destroy()
    }, this.#bounds.transfer)
  }

  #rest(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #refuse(answers: string): void {
    this.#drop("length")
    this.#isEnding = true
    this.#unread = this.#unread.subarray(0, 0)
    this.#watch()
    this.#socket.end(`${answers}${errorReply(`a request is longer than ${this.#bounds.requestBytes} bytes`)}\n`)
  }
}
