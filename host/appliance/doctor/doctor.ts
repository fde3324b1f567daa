/** All checks of `lv06 doctor`, in the order in which they are told. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Loaded } from "../../config/load.ts";
import { KEYS_FOLDER, RESULTS_FILE } from "../files.ts";
import { loadConfigured } from "../model-slot.ts";
import { brokerChecks } from "./broker.ts";
import { deviceChecks, poolCheck } from "./devices.ts";
import { encryptionChecks } from "./encryption.ts";
import { type Finding, looked, ok } from "./finding.ts";
import { dataFolderCheck, inboxCheck } from "./folders.ts";
import { keysCheck, secretsCheck } from "./keys.ts";
import { clockCheck, cpuOfThisMachine, serviceCheck, supplyCheck, systemTime, userCheck } from "./machine.ts";
import { storeCheck } from "./store.ts";

export interface Examination {
  readonly loaded: Loaded;
  /** Of the configuration: what may not be read by others. */
  readonly secrets: readonly { readonly name: string; readonly env: string }[];
  readonly version: string;
  readonly installDir: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly offline: boolean;
}

/** Changes nothing that stays; never throws. */
export async function examine(patient: Examination): Promise<readonly Finding[]> {
  const { loaded, version, installDir, offline } = patient;
  const { config } = loaded;
  const nowMs = Date.now();
  const uid = process.getuid?.() ?? 0;
  const results = join(config.dataDir, RESULTS_FILE);
  const checks = [
    looked("version", () => ok("version", `lv06 ${version}, Node ${process.version}, ${process.arch}`)),
    looked("user", () => userCheck(uid)),
    looked("service", () => serviceCheck()),
    looked("clock", () => clockCheck({ nowMs, ...systemTime, files: [join(installDir, "package.json"), results] })),
    looked("supply", () => supplyCheck()),
    looked("CPU", cpuOfThisMachine),
    looked("model", () => modelCheck(loaded)),
    looked("data folder", () => dataFolderCheck(config.dataDir, config.store.diskFreeMinBytes)),
    looked("inbox", () => inboxCheck(config.ingest.inboxDir)),
    looked("store", () => storeCheck(results)),
    looked("keys", async () => keysCheck(join(config.dataDir, KEYS_FOLDER), await ownerOf(config.dataDir, uid))),
    looked("encryption", () => encryptionChecks(config)),
    looked("secrets", () => secretsCheck(loaded, patient.secrets, patient.env, patient.cwd)),
    looked("broker", () => brokerChecks(config, { nowMs, offline })),
    looked("device", () => deviceChecks(config)),
    looked("pool", () => poolCheck(config)),
  ];
  return (await Promise.all(checks)).flat();
}

async function modelCheck({ config }: Loaded): Promise<Finding> {
  const { manifest, precision } = await loadConfigured(config);
  return ok("model", `${manifest.name} ${manifest.version}, variant ${precision}; files match the manifest`);
}

async function ownerOf(path: string, preset: number): Promise<number> {
  return stat(path).then(
    ({ uid }) => uid,
    () => preset,
  );
}
