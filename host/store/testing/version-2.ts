/** A database as the appliance wrote it before anything was encrypted: schema version 2, row by row. */
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../database.ts";
import { resultsSchema } from "../migrations.ts";
import { sampleVault } from "./vault.ts";

const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
export const dataOf = (sequence: number) => ({
  ...{ resultId: `id-${sequence}`, sequence, reference: referenceOf(sequence), status: "preliminary" },
  label: "Müller",
});
export const referenceOf = (sequence: number) => (sequence === 5 ? null : `film-${sequence % 3}.png`);
export const digestOf = (sequence: number) => sequence.toString(16).padStart(64, "0");
export const payloadOf = (name: string) => Buffer.from(`the payload of ${name}`);

/**
 * Results 1 to 6. 1 to 5 are bound: 1 and 2 in a sealed batch, 3 in the one that is worked, 4 and 5 waiting. In the
 * outbox the messages of 5 and 6, a seal's and an event's; there were more of both, which are gone.
 */
export function writeVersion2(path: string): void {
  const { synchronous, migrations } = resultsSchema(sampleVault(1));
  openDatabase(path, { synchronous, migrations: migrations.slice(0, 2) }).close();
  const db = new DatabaseSync(path);
  const result = db.prepare("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (let i = 1; i <= 6; i++) {
    result.run(i, `id-${i}`, 1000 + i, referenceOf(i), digestOf(i), digestOf(i + 100), JSON.stringify(dataOf(i)));
  }
  const commitment = db.prepare("INSERT INTO commitments VALUES (?, ?, ?, ?, ?, ?)");
  const places = [
    [1, 0],
    [1, 1],
    [2, 0],
    [null, null],
    [null, null],
  ] as const;
  for (const [i, [batch, leaf]] of places.entries()) {
    commitment.run(i + 1, filled(i + 1), filled(i + 1, 64), filled(9), batch, leaf);
  }
  const batch = db.prepare("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)");
  batch.run(1, filled(1), 2, filled(0), filled(11), 2000, "the seal");
  batch.run(2, filled(2), 1, filled(11), filled(12), 2001, null);
  const message = db.prepare("INSERT INTO outbox VALUES (NULL, ?, 'lv06/v1/a/b/x', 1, 0, 'text/plain', 60, ?, ?, ?)");
  for (const [i, name] of ["gone", "result-id-5", "seal-11", "an event", "result-id-6", "gone too"].entries()) {
    const payload = payloadOf(name);
    message.run(name, 3000 + i, payload.length, payload);
  }
  db.exec("DELETE FROM outbox WHERE messageId LIKE 'gone%'");
  db.exec("UPDATE sqlite_sequence SET seq = 8 WHERE name = 'results'");
  db.close();
}
