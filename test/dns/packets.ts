import dnsPacket from "dns-packet"

/** Bytes of a name, exactly as its labels are given. */
export const wireName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split(".").filter((label) => label !== "").map((label) =>
      Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")])
    ),
    Buffer.alloc(1)
  ])

const u16 = (...values: ReadonlyArray<number>): Buffer => {
  const bytes = Buffer.alloc(values.length * 2)
  values.forEach((value, i) => bytes.writeUInt16BE(value, i * 2))
  return bytes
}

const types: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DS: 43,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257
}

/** An EDNS option. */
export const option = (code: number, data: ReadonlyArray<number> | Buffer): Buffer =>
  Buffer.concat([u16(code, data.length), Buffer.from(data)])

/** A client subnet option (RFC 7871). */
export const subnetOption = (family: number, source: number, address: ReadonlyArray<number>, scope = 0): Buffer =>
  option(8, [0, family, source, scope, ...address])

/** An OPT record. */
export const opt = (options: {
  readonly bytes?: number
  readonly version?: number
  readonly flags?: number
  readonly options?: ReadonlyArray<Buffer>
} = {}): Buffer => {
  const data = Buffer.concat(options.options ?? [])
  return Buffer.concat([
    Buffer.alloc(1),
    u16(41, options.bytes ?? 1232, options.version ?? 0, options.flags ?? 0, data.length),
    data
  ])
}

/** A question. */
export const question = (name: string | Buffer, type: string | number, klass = 1): Buffer =>
  Buffer.concat([
    typeof name === "string" ? wireName(name) : name,
    u16(typeof type === "number" ? type : types[type]!, klass)
  ])

/** A whole message. */
export const message = (options: {
  readonly id?: number
  readonly flags?: number
  readonly questions?: ReadonlyArray<Buffer>
  readonly answers?: ReadonlyArray<Buffer>
  readonly authority?: ReadonlyArray<Buffer>
  readonly additional?: ReadonlyArray<Buffer>
}): Buffer => {
  const { additional = [], answers = [], authority = [], questions = [] } = options
  return Buffer.concat([
    u16(
      options.id ?? 4711,
      options.flags ?? 0x0100,
      questions.length,
      answers.length,
      authority.length,
      additional.length
    ),
    ...questions,
    ...answers,
    ...authority,
    ...additional
  ])
}

/** A question as most resolvers send it; `subnet` is a whole client subnet option. */
export const ask = (
  name: string,
  type: string | number,
  options: { readonly edns?: boolean; readonly subnet?: Buffer; readonly bytes?: number; readonly id?: number } = {}
): Buffer =>
  message({
    ...options.id === undefined ? {} : { id: options.id },
    questions: [question(name, type)],
    additional: options.edns === false
      ? []
      : [opt({ options: options.subnet === undefined ? [] : [options.subnet], bytes: options.bytes ?? 1232 })]
  })

const dataText = (data: unknown): string =>
  typeof data === "string"
    ? data
    : Array.isArray(data)
    ? data.map((part) => Buffer.from(part as Buffer).toString("latin1")).join("|")
    : Object.values(data as Record<string, unknown>).join(" ")

/** What a response says, in a form to compare. */
export const read = (bytes: Buffer) => {
  const packet = dnsPacket.decode(bytes)
  const list = (section: typeof packet.answers) =>
    (section ?? []).flatMap((record) =>
      record.type === "OPT" ? [] : [`${record.name} ${record.ttl} ${record.type} ${dataText(record.data)}`]
    )
  const opts = (packet.additionals ?? []).filter((record) => record.type === "OPT")
  const [edns] = opts
  const options = edns?.options as ReadonlyArray<{ readonly code: number; readonly data: Buffer }> | undefined
  const textOf = (code: number, encoding: "hex" | "utf8") =>
    options?.filter((option) => option.code === code).map(({ data }) => data.toString(encoding)).join()
  return {
    id: packet.id,
    bytes: bytes.length,
    used: dnsPacket.decode.bytes,
    rcode: (bytes[3]! & 15) | (edns?.extendedRcode ?? 0) << 4,
    qr: packet.flag_qr,
    opcode: bytes[2]! >> 3 & 15,
    aa: packet.flag_aa,
    tc: packet.flag_tc,
    rd: packet.flag_rd,
    ra: packet.flag_ra,
    question: bytes.readUInt16BE(4) === 0 ? "" : `${packet.questions![0]!.name} ${packet.questions![0]!.type}`,
    answers: list(packet.answers),
    authority: list(packet.authorities),
    additional: list(packet.additionals),
    opts: opts.length,
    ednsBytes: edns?.udpPayloadSize,
    ednsVersion: edns?.ednsVersion,
    dnssecOk: edns?.flag_do,
    /** The client subnet option, in hex. */
    subnet: textOf(8, "hex"),
    /** The cookie option, in hex. */
    cookie: textOf(10, "hex"),
    nsid: textOf(3, "utf8")
  }
}

export type Reading = ReturnType<typeof read>
