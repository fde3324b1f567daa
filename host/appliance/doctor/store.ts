/** The database of results: whole, and how large. Only read, also while the appliance writes it, and without its keys. */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { sizeOf, translated } from "../../store/database.ts";
import { StoreError } from "../../store/errors.ts";
import { setAside } from "../../store/open-store.ts";
import { type Finding, note, ok } from "./finding.ts";

const MIB = 2 ** 20;
const SMALLEST_PAGE_BYTES = 512;
const BUSY_TIMEOUT_MS = 5_000;

/** @throws StoreError STORE_DAMAGED, STORE_OPEN, STORE_BUSY, STORE_IO */
export function storeCheck(path: string): readonly Finding[] {
  const [size, walSize] = [sizeOf(path), sizeOf(`${path}-wal`)];
  if (!existsSync(path) && walSize === 0) return [ok("store", `${path} is made at the first start`)];
  if (size < SMALLEST_PAGE_BYTES) throw new StoreError("STORE_DAMAGED", `${path} has only ${size} bytes`);
  const { results, waiting } = translated(path, () => countsOf(path));
  const mib = ((size + walSize) / MIB).toFixed(1);
  return [
    ok("store", `${path} is undamaged: ${results} results, ${waiting} messages wait, ${mib} MiB`),
    ...aside(path),
  ];
}

function aside(path: string): Finding[] {
  const names = setAside(path);
  if (names.length === 0) return [];
  return [note("store", "DOCTOR_STORE_ASIDE", `damaged ones were set aside beside it: ${names.join(", ")}`)];
}

function countsOf(path: string): { readonly results: number; readonly waiting: number } {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    const verdict = db.prepare("PRAGMA quick_check(1)").get()?.quick_check;
    if (verdict !== "ok") throw new StoreError("STORE_DAMAGED", `${path}: ${String(verdict)}`);
    const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
    if (version === 0) throw new StoreError("STORE_DAMAGED", `${path} has no schema`);
    const count = (table: string) => Number(db.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows);
    return { results: count("results"), waiting: count("outbox") };
  } finally {
    db.close();
  }
}
