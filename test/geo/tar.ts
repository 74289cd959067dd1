/** An entry of a tar archive for tests. */
export interface TarEntry {
  readonly name: string
  /** `0` file when missing. */
  readonly type?: string
  readonly content?: Uint8Array | string
  readonly link?: string
}

const block = (entry: TarEntry): Buffer => {
  const content = Buffer.from(entry.content ?? "")
  const header = Buffer.alloc(512)
  header.write(entry.name, 0, 100)
  header.write("0000644\0", 100)
  header.write("0000000\0", 108)
  header.write("0000000\0", 116)
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124)
  header.write("00000000000\0", 136)
  header.write("        ", 148)
  header.write(entry.type ?? "0", 156)
  header.write(entry.link ?? "", 157, 100)
  header.write("ustar\x0000", 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  return Buffer.concat([header, content, Buffer.alloc((512 - content.length % 512) % 512)])
}

/** An archive of these entries, with two blocks of zeros at its end. */
export const tar = (entries: ReadonlyArray<TarEntry>): Buffer =>
  Buffer.concat([...entries.map(block), Buffer.alloc(1024)])
