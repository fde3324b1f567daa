/**
 * Configuration file + environment → the validated configuration.
 *
 * Precedence, highest first: environment variable, secret file, systemd credential, configuration file,
 * default. The operator's file is only read, except by `lv06 models use` (`change.ts`).
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { errorCode, errorMessage } from "../base/error.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { ConfigError } from "./error.ts";
import { KEYS, type Key } from "./keys.ts";
import { type Config, ConfigSchema } from "./schema.ts";
import type { Origin, Setting, Settings } from "./settings.ts";
import { readYaml } from "./yaml.ts";

const MAX_FILE_BYTES = 64 * 1024;
const MAX_SECRET_BYTES = 8 * 1024;
const MAX_PROBLEMS_SHOWN = 50;
/** Read from the working folder when no file is named and this one exists. */
export const USUAL_FILE = "lv06.yaml";

export interface LoadOptions {
  /** `--config`; null when not given: then `LV06_CONFIG`, then `lv06.yaml` in the working folder, then no file. */
  readonly file: string | null;
  readonly env: Environment;
  /** Working folder, absolute. */
  readonly cwd: string;
  /** Where the appliance is installed: the default model is looked up here. Absolute. */
  readonly installDir: string;
}

export interface Loaded {
  readonly config: Config;
  /** By the key's dotted name. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** The configuration file that was read, absolute; null without one. */
  readonly file: string | null;
}

/** A plain file's text, undefined when there is none. A pipe or a device is refused: reading it could wait for ever. */
function readText(path: string, maxBytes: number): string | undefined {
  let size: number;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new ConfigError("CONFIG_UNREADABLE", `${path} is not a plain file`);
    size = stat.size;
    if (size > maxBytes) {
      throw new ConfigError("CONFIG_TOO_LARGE", `${path} has ${size} bytes, more than the ${maxBytes} allowed`);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (errorCode(error) === "ENOENT") return undefined;
    throw new ConfigError("CONFIG_UNREADABLE", `${path}: ${errorMessage(error)}`, { cause: error });
  }
}

interface Source {
  /** As the operator called it. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

function findFile({ file, env, cwd }: LoadOptions): Source | undefined {
  const named = file ?? (env.LV06_CONFIG === "" ? undefined : env.LV06_CONFIG);
  const name = named ?? USUAL_FILE;
  const path = resolve(cwd, name);
  const text = readText(path, MAX_FILE_BYTES);
  if (text !== undefined) return { name, path, text };
  if (named !== undefined) throw new ConfigError("CONFIG_MISSING", `there is no configuration file ${path}`);
  return undefined;
}

function refuse(problems: readonly string[]): never {
  const shown = problems.slice(0, MAX_PROBLEMS_SHOWN);
  if (problems.length > shown.length) shown.push(`… and ${problems.length - shown.length} more`);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  throw new ConfigError("CONFIG_INVALID", `the configuration has ${count}:\n${shown.join("\n")}\n`);
}

/** The nested object that the schema takes. */
function nest(values: ReadonlyMap<string, Setting>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const { name, path } of KEYS) {
    const setting = values.get(name);
    if (setting !== undefined) put(root, path, setting.value);
  }
  return root;
}

function put(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let section = root;
  for (const part of path.slice(0, -1)) {
    section[part] ??= {};
    section = section[part] as Record<string, unknown>;
  }
  section[path.at(-1) ?? ""] = value;
}

/** The value at a key's path. */
export function valueAt(config: object, key: Key): unknown {
  return key.path.reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], config);
}

/** Relative paths start at the configuration file's folder, or at the working folder without one. */
function resolvePaths(raw: object, base: string, installDir: string, modelIsDefault: boolean): Config {
  const config = structuredClone(raw) as Config;
  for (const key of KEYS.filter(({ isPath }) => isPath)) {
    const value = valueAt(config, key);
    const start = key.name === "model.dir" && modelIsDefault ? installDir : base;
    const absolute = (path: unknown) => (typeof path === "string" && path !== key.word ? resolve(start, path) : path);
    const resolved = Array.isArray(value) ? value.map(absolute) : absolute(value);
    put(config as unknown as Record<string, unknown>, key.path, resolved);
  }
  const { ingest, dataDir } = config;
  return { ...config, ingest: { ...ingest, inboxDir: ingest.inboxDir ?? join(dataDir, "inbox") } };
}

const NOTHING: Settings = { values: new Map(), problems: [] };

/**
 * @throws ConfigError with CONFIG_MISSING, CONFIG_UNREADABLE, CONFIG_TOO_LARGE, or CONFIG_INVALID, whose message
 *   lists every problem as `file:line:col key: what is wrong; allowed: …` (`env NAME key: …` for variables)
 */
export function loadConfig(options: LoadOptions): Loaded {
  const source = findFile(options);
  const fromFile = source === undefined ? NOTHING : readYaml(source.text, source.name);
  const fromEnvironment = readEnvironment(options.env, (path) =>
    readText(resolve(options.cwd, path), MAX_SECRET_BYTES),
  );
  const problems = [...fromFile.problems, ...fromEnvironment.problems];
  if (problems.length > 0) refuse(problems);

  const values = new Map([...fromFile.values, ...fromEnvironment.values]);
  const raw = ConfigSchema.parse(nest(values));
  const base = source === undefined ? options.cwd : dirname(source.path);
  return {
    config: resolvePaths(raw, base, options.installDir, !values.has("model.dir")),
    origins: new Map(KEYS.map(({ name }) => [name, values.get(name)?.origin ?? "default"])),
    file: source?.path ?? null,
  };
}
