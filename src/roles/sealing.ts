import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Config } from "../config/Config.ts"
import { isError } from "../config/Problem.ts"
import { CertificateFile } from "../consensus/sealed/CertificateFile.ts"
import { joinSeals } from "../consensus/sealed/joinSeals.ts"
import { RosterSource } from "../consensus/sealed/RosterSource.ts"
import { layerRequired, layerRoster } from "../consensus/sealed/Sealing.ts"
import { Signer } from "../consensus/sealed/Signer.ts"
import { Place } from "./Place.ts"
import { Incomplete, RoleError } from "./RoleError.ts"
import { contradictions, type RoleName } from "./sealProblems.ts"

/**
 * How a role takes part in sealed consensus, as `GeoDNS.Consensus` of its local document says: the mode, the roster, the key of
 * this node, and the announcements that are signed with it. Fails when the settings contradict each other, when the key cannot be
 * read, and when there is no roster that can be used. Nothing is there in the mode `open` without a roster.
 */
export const sealing = (role: RoleName) =>
  Layer.unwrap(Effect.gen(function*() {
    const { local } = yield* Config.use((config) => config.current)
    const { file } = yield* Place
    const { Electorate, KeyFile, Mode, Roster } = local.GeoDNS.Consensus
    const errors = contradictions(local, role).filter(isError)
    if (errors.length > 0) {
      return yield* new RoleError({
        reason: new Incomplete({
          detail: errors.map(({ expected, found, hint, path }) =>
            `${path}: expected ${expected}, found ${found}: ${hint}`
          )
            .join("\n")
        })
      })
    }
    if (Roster === undefined) return joinSeals
    const how = Mode === "require"
      ? Layer.provide(layerRequired, CertificateFile.layer)
      : layerRoster({ mode: Mode, electorate: Electorate })
    const signing = KeyFile === undefined ? how : Layer.provide(how, Signer.layerFile(file(KeyFile)))
    return Layer.provideMerge(joinSeals, Layer.provide(signing, RosterSource.layer(file)))
  }))
