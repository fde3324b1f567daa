/** The patterns of whitepaper 6: which part of a model takes which tensors. */
import { InferenceError } from "./error.ts";
import type { Manifest, Part, Variant } from "./schema.ts";

/** Tensors by name, each as `float32 [1,1,7,7]`. */
export type Tensors = ReadonlyMap<string, string>;

/** Which part takes the attention pyramid, all levels of it. */
const TAKER = { none: null, A: "head", B: "backbone", C: "head" } as const;

/** Pattern A's only level was once called so, and may be. */
const OLD_NAME = "attention";

const IMAGE = "uint8 [1,1,224,224]";
const LOGIT = "float32 [1,1]";

export function tensorsOf(tensors: Part["inputs"]): Tensors {
  return new Map(Object.entries(tensors).map(([name, { type, shape }]) => [name, `${type} [${shape}]`]));
}

/** What is not the same in both, in words; undefined when nothing is. */
export function difference(expected: Tensors, found: Tensors): string | undefined {
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [wanted, there] = [expected.get(name), found.get(name)];
    if (wanted !== there) return `${name} is ${there ?? "missing"}, not ${wanted ?? "expected at all"}`;
  }
  return undefined;
}

/** Names of a part's inputs that take the pyramid, in the order of the manifest's grids; none or all of them. */
export function levelInputs({ attention, pattern }: Manifest, role: "backbone" | "head", part: Part): string[] {
  if (attention === null || TAKER[pattern] !== role) return [];
  if (pattern === "A" && OLD_NAME in part.inputs) return [OLD_NAME];
  return attention.grids.map((grid) => `attention${grid}`);
}

/** @throws InferenceError MODEL_MANIFEST when the parts are not those of the manifest's pattern */
export function checkPattern(manifest: Manifest, precision: string, { parts }: Variant): void {
  const { pattern, attention } = manifest;
  const where = `variants.${precision}.parts`;
  if (pattern === "A" && attention?.grids.length !== 1) throw misfit("attention.grids", "has not one level", pattern);
  const { backbone, head } = parts;
  const features = tensorsOf(backbone.outputs).get("features") ?? "float32";
  const levels = (role: "backbone" | "head") =>
    levelInputs(manifest, role, parts[role]).map((name, index) => {
      const grid = attention?.grids[index];
      return [name, `float32 [1,1,${grid},${grid}]`] as const;
    });
  const expected = [
    ["backbone.inputs", backbone.inputs, new Map([["image", IMAGE], ...levels("backbone")])],
    ["backbone.outputs", backbone.outputs, new Map([["features", features]])],
    ["head.inputs", head.inputs, new Map([["features", features], ...levels("head")])],
    ["head.outputs", head.outputs, new Map([["logit", LOGIT]])],
  ] as const;
  for (const [place, tensors, wanted] of expected) {
    const wrong = difference(wanted, tensorsOf(tensors));
    if (wrong !== undefined) throw misfit(`${where}.${place}`, wrong, pattern);
  }
}

function misfit(where: string, what: string, pattern: string): InferenceError {
  return new InferenceError("MODEL_MANIFEST", `${where}: ${what}: it does not fit pattern ${pattern}`);
}
