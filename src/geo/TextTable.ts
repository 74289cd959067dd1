/** Texts by number, as bytes that another thread can hand over without copying. 0 stands for none. */
export interface TextColumns {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where each text ends; it begins where the one before ends. */
  readonly ends: Uint32Array<ArrayBuffer>
}

/** Gathers texts: equal ones get the same number. */
export class TextTableBuilder {
  readonly #numbers = new Map<string, number>()

  /** The number of a text; 0 for none. */
  add(text: string | undefined): number {
    if (text === undefined) return 0
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#numbers.size + 1
    this.#numbers.set(text, number)
    return number
  }

  build(): TextColumns {
    const ends = new Uint32Array(this.#numbers.size + 1)
    let end = 0
    for (const [text, number] of this.#numbers) ends[number] = end += Buffer.byteLength(text)
    const bytes = new Uint8Array(end)
    const buffer = Buffer.from(bytes.buffer)
    for (const [text, number] of this.#numbers) buffer.write(text, ends[number - 1]!)
    return { bytes, ends }
  }
}

/** Reads texts by number. Each is decoded when it is asked for first: thousands at once would hold up everybody. */
export class TextTable {
  readonly #bytes: Buffer
  readonly #ends: Uint32Array
  readonly #texts: Array<string | undefined>

  constructor({ bytes, ends }: TextColumns) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#ends = ends
    this.#texts = new Array<string | undefined>(ends.length).fill(undefined)
  }

  /** Undefined for 0. */
  get(number: number): string | undefined {
    if (number === 0) return undefined
    return this.#texts[number] ??= this.#bytes.toString("utf8", this.#ends[number - 1], this.#ends[number])
  }
}
