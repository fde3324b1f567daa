/** Changing a stored result as somebody could who has the key: what that breaks is the signature, not the encryption. */
import { DatabaseSync } from "node:sqlite";
import type { Vault } from "../../base/vault.ts";

const PURPOSE = "result";

/**
 * Runs SQL on a database, with two functions more: `opened(resultId, keyId, body)` is a body's JSON, and
 * `sealed(resultId, text)` a body of it.
 */
export function tamper(path: string, vault: Vault, sql: string): void {
  const db = new DatabaseSync(path);
  db.function("opened", (resultId, keyId, body) => {
    if (!(keyId instanceof Uint8Array) || !(body instanceof Uint8Array)) throw new TypeError("no body");
    return vault.open(PURPOSE, keyId, body, String(resultId)).toString();
  });
  db.function("sealed", (resultId, text) => vault.seal(PURPOSE, Buffer.from(String(text)), String(resultId)).bytes);
  db.exec(sql);
  db.close();
}

/** SQL that replaces words in the body of some results. */
export function replacing(from: string, to: string, where = ""): string {
  return `UPDATE results SET body = sealed(resultId, replace(opened(resultId, keyId, body), '${from}', '${to}')) ${where}`;
}
