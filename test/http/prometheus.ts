/** One line with a value. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric with all its samples. */
export interface ParsedFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: ReadonlyArray<Sample>
}

const readValue = (text: string): number => {
  if (text === "+Inf") return Infinity
  if (text === "-Inf") return -Infinity
  if (text === "NaN") return NaN
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) throw new Error(`no value: ${text}`)
  return Number(text)
}

const readSample = (line: string): Sample => {
  const head = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{)?/.exec(line)
  if (head === null) throw new Error(`no sample: ${line}`)
  const labels: Record<string, string> = {}
  let rest = line.slice(head[0].length)
  if (head[2] !== undefined) {
    for (;;) {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|\})/.exec(rest)
      if (label === null) throw new Error(`no label: ${rest}`)
      if (Object.hasOwn(labels, label[1]!)) throw new Error(`label twice: ${line}`)
      labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, c: string) => c === "n" ? "\n" : c)
      rest = rest.slice(label[0].length)
      if (label[3] === "}") break
    }
  }
  const value = /^ (\S+)$/.exec(rest)
  if (value === null) throw new Error(`no value: ${line}`)
  return { name: head[1]!, labels, value: readValue(value[1]!) }
}

const suffixes: Readonly<Record<string, ReadonlyArray<string>>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"]
}

const key = ({ labels, name }: Sample): string => `${name}${JSON.stringify(Object.entries(labels).sort())}`

const checkHistogram = ({ name, samples }: ParsedFamily): void => {
  const series = Map.groupBy(
    samples,
    ({ labels: { le: _, ...others } }) => JSON.stringify(Object.entries(others).sort())
  )
  for (const all of series.values()) {
    const buckets = all.filter((sample) => sample.name === `${name}_bucket`)
    const count = all.find((sample) => sample.name === `${name}_count`)?.value
    let before = { le: -Infinity, value: 0 }
    for (const { labels, value } of buckets) {
      const le = readValue(labels["le"] ?? "")
      if (le <= before.le || value < before.value) throw new Error(`${name}: buckets do not rise`)
      before = { le, value }
    }
    if (before.le !== Infinity || before.value !== count) throw new Error(`${name}: the last bucket is not the count`)
    if (!all.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name} has no sum`)
  }
}

/** Reads the text format 0.0.4 of Prometheus. Throws at everything that is not quite it. */
export const parseExposition = (text: string): ReadonlyMap<string, ParsedFamily> => {
  if (!text.endsWith("\n")) throw new Error("the last line does not end")
  const families = new Map<string, ParsedFamily & { readonly samples: Array<Sample> }>()
  const seen = new Set<string>()
  let help: { readonly name: string; readonly text: string } | undefined
  let family: (ParsedFamily & { readonly samples: Array<Sample> }) | undefined
  for (const line of text.slice(0, -1).split("\n")) {
    const helpLine = /^# HELP (\S+) (.+)$/.exec(line)
    const typeLine = /^# TYPE (\S+) (\S+)$/.exec(line)
    if (helpLine !== null) help = { name: helpLine[1]!, text: helpLine[2]! }
    else if (typeLine !== null) {
      const [, name = "", type = ""] = typeLine
      if (families.has(name)) throw new Error(`${name} comes twice`)
      if (help?.name !== name) throw new Error(`${name} has no help`)
      if (!(type in suffixes)) throw new Error(`${name} has the type ${type}`)
      family = { name, type, help: help.text, samples: [] }
      families.set(name, family)
    } else {
      const sample = readSample(line)
      const { name, type } = family ?? { name: "", type: "" }
      if (!suffixes[type]?.some((suffix) => sample.name === name + suffix)) throw new Error(`no family: ${line}`)
      if (seen.has(key(sample))) throw new Error(`twice: ${line}`)
      if (type === "counter" && !(sample.value >= 0)) throw new Error(`no count: ${line}`)
      seen.add(key(sample))
      family!.samples.push(sample)
    }
  }
  for (const one of families.values()) {
    if (one.samples.length === 0) throw new Error(`${one.name} has no sample`)
    if (one.type === "histogram") checkHistogram(one)
  }
  return families
}
