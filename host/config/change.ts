/**
 * Changes one value in the operator's file and nothing else: comments, order and spelling stay as they are.
 *
 * What the changed text says is read back before it replaces the old one, which stays in force until then.
 */
import {
  closeSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { errorCode, errorMessage } from "../base/error.ts";
import { ConfigError } from "./error.ts";
import type { Key } from "./keys.ts";
import { withValue } from "./splice.ts";
import { readYaml } from "./yaml.ts";

/** Of a file that is made anew. */
const NEW_MODE = 0o644;

/**
 * Sets `key` to `value` in the file at `path`, which is made when there is none; a link is followed.
 *
 * @param key of a section's, such as `model.dir`
 * @throws ConfigError CONFIG_INVALID when the file is wrong as it is; CONFIG_NOT_CHANGED, with the file as it was
 */
export function changeConfig(path: string, key: Key, value: string): void {
  const target = followed(path);
  const old = textOf(target);
  const changed = withValue(old ?? "", key.path, value, (text) => saysOnly(text, old ?? "", key, value));
  if (changed === undefined) {
    throw new ConfigError("CONFIG_NOT_CHANGED", `${path}: ${key.name} cannot be set without touching anything else`);
  }
  replace(target, old !== undefined, changed);
  if (textOf(target) !== changed) throw new ConfigError("CONFIG_NOT_CHANGED", `${path} was changed by someone else`);
}

/** Whether `text` is `old` but for the key. @throws ConfigError CONFIG_INVALID when `old` is wrong already */
export function saysOnly(text: string, old: string, key: Key, value: string): boolean {
  const before = readYaml(old, "the file");
  if (before.problems.length > 0) {
    throw new ConfigError("CONFIG_INVALID", `the configuration is wrong as it is:\n${before.problems.join("\n")}\n`);
  }
  const after = readYaml(text, "the file");
  const names = new Set([...before.values.keys(), ...after.values.keys()]);
  const same = [...names].every((name) => {
    const wanted = name === key.name ? value : before.values.get(name)?.value;
    return JSON.stringify(after.values.get(name)?.value) === JSON.stringify(wanted);
  });
  return after.problems.length === 0 && after.values.has(key.name) && same;
}

function followed(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new ConfigError("CONFIG_UNREADABLE", `${path}: ${errorMessage(error)}`, { cause: error });
  }
}

/** As a whole or not at all, with the old file's owner and permissions. */
function replace(path: string, exists: boolean, text: string): void {
  const temporary = `${path}.${process.pid}.new`;
  try {
    const { mode, uid, gid } = exists ? statSync(path) : { mode: NEW_MODE, uid: -1, gid: -1 };
    const file = openSync(temporary, "wx", mode & 0o777);
    try {
      if (uid >= 0) fchownSync(file, uid, gid);
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new ConfigError("CONFIG_NOT_CHANGED", `${path}: ${errorMessage(error)}`, { cause: error });
  }
}
