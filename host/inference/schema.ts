/** The model manifest (DESIGN §6): what a model folder says of itself. */
import { z } from "zod";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in lowercase hexadecimal");
/** A plain name, so that a manifest cannot reach outside its folder. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "a plain file name");
/** Or one in `shared` beside the model's folder, where models keep what several of them use; never further. */
const partName = z
  .string()
  .regex(/^(?:\.\.\/shared\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "a plain file name, or ../shared/ and one");
const file = z.strictObject({ file: partName, digest });
const tensor = z.strictObject({
  type: z.enum(["uint8", "float32"]),
  shape: z.array(z.int().min(1).max(4096)).min(1).max(4),
});
const tensors = z.record(z.string().min(1), tensor);

const part = z.strictObject({
  ...file.shape,
  /** External weights of the graph, in the same folder; variants and models may share them. */
  weights: file.optional(),
  inputs: tensors,
  outputs: tensors,
});

/** Side of the raster, in pixels: a scale of 8 has a map of 28 × 28 cells. */
const RASTER_SIDE = 224;
const distinct = (values: readonly unknown[]) => new Set(values).size === values.length;

const attention = z
  .strictObject({
    version: z.string(),
    scales: z
      .array(z.union([z.literal(4), z.literal(8), z.literal(16), z.literal(32)]))
      .min(1)
      .refine(distinct, { error: "a scale twice" }),
    weights: z.array(z.number().positive().max(1)).min(1),
    /** Cells along a side, one a pyramid level. */
    grids: z
      .array(z.union([z.literal(7), z.literal(14), z.literal(28), z.literal(56)]))
      .min(1)
      .refine(distinct, { error: "a grid twice" }),
  })
  .refine(({ scales, weights }) => scales.length === weights.length, { path: ["weights"], error: "one a scale" })
  .refine(({ scales, grids }) => grids.every((grid) => grid <= RASTER_SIDE / Math.min(...scales)), {
    path: ["grids"],
    error: "finer than the finest scale",
  });

/** Results carry four decimals of it, and commitments bind no others. */
const threshold = z
  .number()
  .min(0)
  .max(1)
  .refine((value) => Number(value.toFixed(4)) === value, { error: "more than four decimals" });
/** As results and commitments may carry it. */
const label = z.string().min(1).max(64);
/** As DICOM writes a view, a modality or a body part. */
const words = z
  .array(z.string().regex(/^[A-Z0-9_]{1,16}$/, "1 to 16 of A–Z, 0–9 and _"))
  .min(1)
  .max(32);
const years = z.int().min(0).max(150);

/** Whom the model is for, as far as an image's metadata can tell; what is left out admits everything. */
const populationLimits = z.strictObject({
  /** In completed years, both ends included. */
  ageYears: z
    .strictObject({ min: years, max: years })
    .refine(({ min, max }) => min <= max, { error: "min above max" })
    .optional(),
  view: words.optional(),
  modality: words.optional(),
  bodyPart: words.optional(),
});

const variantName = z.string().regex(/^[a-z0-9-]{1,40}$/, "lowercase letters, digits and dashes");

const manifest = z.strictObject({
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
  /** Null for pattern `none`, and only there. */
  attention: attention.nullable(),
  /** Of the negative and of the positive class. */
  labels: z.tuple([label, label]).refine(distinct, { error: "the same label twice" }),
  temperature: z.number().min(0.001).max(1000),
  threshold,
  thresholdRule: z.string(),
  calibrationSet: z.strictObject({ name: z.string(), images: z.int().min(0) }),
  population: z.string(),
  populationLimits: populationLimits.optional(),
  intendedUse: z.literal("research-only"),
  metrics: z.strictObject({ evidence: fileName, calibrationSet: z.record(z.string(), z.number()) }),
  /** Precision variants; the first that lists the CPU is taken. */
  variants: z
    .record(
      variantName,
      z.strictObject({
        /** As Node's `process.arch` names them. */
        cpu: z.array(z.string()).min(1),
        /** With 7, x86-64 without VNNI cannot saturate; 32 are floats. */
        weightBits: z.union([z.literal(7), z.literal(8), z.literal(32)]),
        parts: z.strictObject({ backbone: part, head: part }),
      }),
    )
    .refine((variants) => Object.keys(variants).length > 0, { error: "at least one" }),
  licence: z.string(),
  attribution: z.string(),
});

export const manifestSchema = manifest.refine(
  ({ pattern, attention }) => (pattern === "none") === (attention === null),
  {
    path: ["attention"],
    error: "null for pattern none, and only there",
  },
);

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;
export type Variant = Manifest["variants"][string];
export type Part = Variant["parts"]["backbone"];
