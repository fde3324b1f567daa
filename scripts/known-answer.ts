/** Writes what each variant of a model answers the known picture into its folder: scripts/known-answer.ts MODEL-FOLDER … */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KnownAnswer } from "../host/appliance/known-answer.ts";
import { KNOWN_ANSWER_FILE, type KnownLogits } from "../host/appliance/known-logits.ts";
import { loadFolder, makeEngine } from "../host/appliance/model-slot.ts";
import { ConfigSchema } from "../host/config/schema.ts";
import { Rasteriser } from "../host/raster/rasteriser.ts";

const { inference } = ConfigSchema.parse({});
const rasteriser = new Rasteriser({ deadlineMs: 20_000, memoryMiB: 1024, queueMax: 1 });

async function logitOf(folder: string, precision: string): Promise<number> {
  const loaded = await loadFolder(folder, precision);
  const engine = makeEngine(loaded, { inference } as Parameters<typeof makeEngine>[1]);
  let logit = Number.NaN;
  try {
    await engine.start();
    const { digest, attention } = loaded;
    const infer = async (...image: Parameters<typeof engine.infer>) => {
      const verdict = await engine.infer(...image);
      logit = verdict.logit;
      return verdict;
    };
    const known = new KnownAnswer({
      rasterise: (bytes) => rasteriser.rasterise(bytes),
      model: async () => ({ digest, precision, fingerprint: engine.fingerprint, attention, infer }),
      known: () => undefined,
      device: () => "DEVICE_ABSENT",
      judged: () => {},
      monotonicMs: () => performance.now(),
      random: (bytes) => new Uint8Array(bytes),
    });
    const { ok, checks } = await known.check();
    if (!ok) throw new Error(`${folder} ${precision}: ${checks.at(-1)?.code}`);
    return logit;
  } finally {
    await engine.stop();
  }
}

for (const folder of process.argv.slice(2)) {
  const { digest: manifest, manifest: described } = await loadFolder(folder);
  const logits: Record<string, number> = {};
  for (const precision of Object.keys(described.variants)) {
    logits[precision] = Number((await logitOf(folder, precision)).toFixed(4));
  }
  const known: KnownLogits = { schema: "lv06/known-answer/1", manifest, logits };
  writeFileSync(join(folder, KNOWN_ANSWER_FILE), `${JSON.stringify(known, null, 2)}\n`);
}
await rasteriser.stop();
