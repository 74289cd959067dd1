import { NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { monitorNode } from "effect-geodns/roles"
import { probes } from "./ownProbe.ts"

NodeRuntime.runMain(Layer.launch(monitorNode("local.json", { probes })))
