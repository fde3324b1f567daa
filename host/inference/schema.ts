/** The model manifest (DESIGN §6): what a model folder says of itself. */
import { z } from "zod";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in lowercase hexadecimal");
/** A plain name, so that a manifest cannot reach outside its folder. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "a plain file name");
const file = z.strictObject({ file: fileName, digest });
const tensor = z.strictObject({
  type: z.enum(["uint8", "float32"]),
  shape: z.array(z.int().min(1).max(4096)).min(1).max(4),
});
const tensors = z.record(z.string().min(1), tensor);

const part = z.strictObject({
  ...file.shape,
  /** External weights of the graph; variants may share them. */
  weights: file.optional(),
  inputs: tensors,
  outputs: tensors,
});

const attention = z
  .strictObject({
    version: z.string(),
    scales: z.array(z.union([z.literal(4), z.literal(8), z.literal(16), z.literal(32)])).min(1),
    weights: z.array(z.number().positive().max(1)).min(1),
    /** Cells along a side, one a pyramid level; each divides every scale's grid. */
    grids: z.array(z.union([z.literal(7), z.literal(14), z.literal(28), z.literal(56)])).min(1),
  })
  .refine(({ scales, weights }) => scales.length === weights.length, { path: ["weights"], error: "one a scale" });

export const manifestSchema = z.strictObject({
  schema: z.literal("lv06/model/1"),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "lowercase letters, digits and dashes"),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, "three numbers, as 1.2.3"),
  pattern: z.enum(["A", "B", "C", "none"]),
  raster: z.string(),
  normalisation: z.strictObject({
    mean: z.number().min(0).max(1),
    deviation: z.number().positive().max(1),
    /** The grey level that `mean` and `deviation` count as 1. */
    unit: z.literal(255),
    /** The graph takes the raster's bytes and normalises them itself. */
    where: z.literal("graph"),
  }),
  attention,
  labels: z.tuple([z.string().min(1), z.string().min(1)]),
  temperature: z.number().positive(),
  threshold: z.number().min(0).max(1),
  thresholdRule: z.string(),
  calibrationSet: z.strictObject({ name: z.string(), images: z.int().min(0) }),
  population: z.string(),
  intendedUse: z.literal("research-only"),
  metrics: z.strictObject({ evidence: fileName, calibrationSet: z.record(z.string(), z.number()) }),
  /** Precision variants; the first that lists the CPU is taken. */
  variants: z
    .record(
      z.string(),
      z.strictObject({
        /** As Node's `process.arch` names them. */
        cpu: z.array(z.string()).min(1),
        /** With 7, x86-64 without VNNI cannot saturate. */
        weightBits: z.union([z.literal(7), z.literal(8)]),
        parts: z.strictObject({ backbone: part, head: part }),
      }),
    )
    .refine((variants) => Object.keys(variants).length > 0, { error: "at least one" }),
  licence: z.string(),
  attribution: z.string(),
});

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;
export type Variant = Manifest["variants"][string];
export type Part = Variant["parts"]["backbone"];
