/** Keys and other secrets: whether anyone but the appliance's user can read or replace them. */
import { lstatSync, readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorCode } from "../../base/error.ts";
import type { Loaded } from "../../config/load.ts";
import { SigningKey } from "../../seal/signing-key.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

const OTHERS = 0o077;
/** Not the group's: a service's secrets may belong to root and be for the service's group. */
const READABLE = 0o004;
const SIGNING_KEY = "signing-key.pem";

/** @param uid of the appliance's user: the data folder's owner */
export function keysCheck(folder: string, uid: number): readonly Finding[] {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return [ok("keys", `${folder} is made at the first start`)];
  const names = namesIn(folder);
  if (names === undefined) return [ok("keys", `${folder}: not for this user to look into`)];
  const files = names.map((name) => [join(folder, name), lstatSync(join(folder, name))] as const);
  const troubles = [[folder, stats] as const, ...files].flatMap(([path, info]) => troubleOf(path, info, uid));
  if (troubles.length > 0) return troubles.map((trouble) => wrong("keys", "DOCTOR_KEY_PERMISSIONS", trouble));
  return [names.includes(SIGNING_KEY) ? signingKey(join(folder, SIGNING_KEY)) : ok("keys", "no signing key yet")];
}

/** undefined where this user may not look. */
function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === "EACCES") return undefined;
    throw error;
  }
}

function troubleOf(path: string, stats: Stats, uid: number): string[] {
  if (stats.isSymbolicLink()) return [`${path} is a symbolic link`];
  if (stats.uid !== uid) return [`${path} belongs to user ${stats.uid}, not ${uid}`];
  const mode = (stats.mode & 0o777).toString(8).padStart(3, "0");
  return (stats.mode & OTHERS) === 0 ? [] : [`${path} has mode ${mode}`];
}

function signingKey(path: string): Finding {
  const { publicKey } = SigningKey.ofPem(readFileSync(path, "utf8"));
  return ok("keys", `for the owner alone; signs as ${publicKey.toString("hex")}`);
}

/** Secrets in the configuration file, in files that variables name, and among the credentials. */
export function secretsCheck(
  { config, origins, file }: Loaded,
  secrets: readonly { readonly name: string; readonly env: string }[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): readonly Finding[] {
  const sourceOf = (name: string, variable: string): string | null => {
    const origin = origins.get(name) ?? "default";
    if (origin === `env ${variable}_FILE`) return resolve(cwd, env[`${variable}_FILE`] ?? "");
    if (origin === "credential") return resolve(cwd, env.CREDENTIALS_DIRECTORY ?? "", name);
    return origin === "default" || origin.startsWith("env ") ? null : file;
  };
  const places = secrets.map((secret) => [secret.name, sourceOf(secret.name, secret.env)] as const);
  const open = [...places, ["mqtt.keyFile", config.mqtt.keyFile] as const].flatMap(([name, source]) =>
    source !== null && othersRead(source) ? [`${name} stands in ${source}`] : [],
  );
  if (open.length === 0) return [ok("secrets", "none lies where other users can read it")];
  return open.map((where) =>
    note("secrets", "DOCTOR_SECRET_OPEN", `${where}, which other users of this machine can read`),
  );
}

function othersRead(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && (stats.mode & READABLE) !== 0;
}
