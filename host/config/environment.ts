/** Environment variables and secret files → settings. */
import { CodedError, errorMessage } from "../base/error.ts";
import { KEYS, type Key } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { complaint, type Setting, type Settings } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Read by the launcher, the command line and the tests; not keys. */
export const RESERVED_VARIABLES: readonly string[] = ["LV06_NODE", "LV06_CONFIG", "LV06_TEST_REQUIRE_ALL"];

/** A small text file's contents, undefined when there is no such file; throws when it cannot be read. */
export type ReadSecret = (path: string) => string | undefined;

const PREFIX = "LV06_";
const CREDENTIAL = "credential";
const KEY_BY_ENV = new Map(KEYS.map((key) => [key.env, key]));
const KEY_BY_SECRET_FILE = new Map(KEYS.filter(({ secret }) => secret).map((key) => [`${key.env}_FILE`, key]));
const KNOWN = [...RESERVED_VARIABLES, ...KEY_BY_ENV.keys(), ...KEY_BY_SECRET_FILE.keys()];

interface Reading {
  readonly values: Map<string, Setting>;
  readonly problems: string[];
}

/** The value by the key's type; text that is no number stays text, so that the key's schema refuses it. */
function parsed(key: Key, text: string): unknown {
  if (text === "" && key.nullable) return null;
  if (key.type === "text") return text;
  if (key.type === "list") return text === "" ? [] : text.split(",").map((item) => item.trim());
  return /^[+-]?\d{1,20}(\.\d{1,20})?$/.test(text.trim()) ? Number(text) : text;
}

function take(reading: Reading, key: Key, text: string, origin: string): void {
  const value = parsed(key, text);
  const wrong = complaint(key, value);
  if (wrong !== undefined) reading.problems.push(`${origin} ${key.name}: ${wrong}`);
  else reading.values.set(key.name, { value, origin });
}

/** A secret file ends in a newline more often than not; the newline is not part of the secret. */
function takeFile(reading: Reading, key: Key, path: string, origin: string, read: ReadSecret): boolean {
  try {
    const text = read(path)?.replace(/\r?\n$/, "");
    if (text !== undefined && (text !== "" || origin !== CREDENTIAL)) take(reading, key, text, origin);
    return text !== undefined;
  } catch (error) {
    const why = error instanceof CodedError ? error.detail : errorMessage(error);
    reading.problems.push(`${origin} ${key.name}: the secret's file cannot be read: ${why}`);
    return true;
  }
}

function takeUnknown(reading: Reading, name: string): void {
  const plain = KEY_BY_ENV.get(name.replace(/_FILE$/, ""));
  const meant = nearest(name, KNOWN);
  const hint = meant === undefined ? "see docs/config.md for the variables there are" : `did you mean ${meant}?`;
  const what =
    plain === undefined ? `is not a variable; ${hint}` : `only secrets can come from a file; set ${plain.env}`;
  reading.problems.push(`env ${name}: ${what}`);
}

/**
 * systemd puts a unit's credentials into files named by the unit; the name wanted here is the key's: `mqtt.password`.
 * An empty one is none: a unit may name them all, and a site fill in what it needs.
 */
function takeCredentials(reading: Reading, directory: string, read: ReadSecret): void {
  for (const key of KEY_BY_SECRET_FILE.values()) {
    takeFile(reading, key, `${directory}/${key.name}`, CREDENTIAL, read);
  }
}

/**
 * Every key can be set by its variable; an empty one means "nothing" where the key allows that.
 * A secret's order of precedence: its variable, its `_FILE` variable, the systemd credential.
 */
export function readEnvironment(environment: Environment, read: ReadSecret): Settings {
  const reading: Reading = { values: new Map(), problems: [] };
  const credentials = environment.CREDENTIALS_DIRECTORY;
  if (credentials !== undefined && credentials !== "") takeCredentials(reading, credentials, read);
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined || RESERVED_VARIABLES.includes(name)) continue;
    const key = KEY_BY_ENV.get(name);
    const secret = KEY_BY_SECRET_FILE.get(name);
    if (key !== undefined) take(reading, key, text, `env ${name}`);
    else if (secret === undefined) takeUnknown(reading, name);
    else if (environment[secret.env] !== undefined) {
      reading.problems.push(`env ${name}: ${secret.env} is set too; set one of the two`);
    } else if (!takeFile(reading, secret, text, `env ${name}`, read)) {
      reading.problems.push(`env ${name} ${secret.name}: there is no file ${text}`);
    }
  }
  return reading;
}
