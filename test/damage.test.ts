/** The appliance as a whole, whose database is damaged under it while it runs. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type RunningAppliance, startAppliance } from "./demo/appliance.ts";
import { FILMS, putIntoInbox } from "./demo/films.ts";
import { openStored } from "./stored.ts";

const WAIT_MS = 40_000;
const PAGE_BYTES = 4096;
const SETTINGS = `site: demo\nappliance: lv06-demo\ndataDir: data\nmqtt: { embeddedPort: PORT }
model: { dir: ${resolve("host/inference/fixtures/tiny")} }\ningest: { settleMs: 0 }\n`;

let folder: string;
let path: string;
let appliance: RunningAppliance | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "damage-"));
  path = join(folder, "data", "results.db");
});

afterEach(async () => {
  await appliance?.stop();
  rmSync(folder, { recursive: true });
});

async function start(): Promise<RunningAppliance> {
  appliance = await startAppliance(folder, { settings: SETTINGS, modelDevice: false });
  return appliance;
}

const ids = () => {
  const reader = openStored(join(folder, "data"));
  try {
    return reader.listFrom(1, 100).map(({ resultId }) => resultId);
  } finally {
    reader.close();
  }
};

const resultsAre = (count: number) =>
  vi.waitFor(() => expect(ids()).toHaveLength(count), { timeout: WAIT_MS, interval: 200 });

/** The index of the results' ids; another connection's write has the pages read anew. */
function spoil(): void {
  const other = new DatabaseSync(path, { timeout: 5_000 });
  const root = other.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_results_1'").get();
  other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const bytes = readFileSync(path);
  const at = (Number(root?.rootpage) - 1) * PAGE_BYTES;
  writeFileSync(path, bytes.fill(0xff, at, at + PAGE_BYTES));
  other.exec("INSERT INTO meta VALUES ('another', 1)");
  other.close();
}

test("ends by itself, and the next one saves every result and serves the film that met the damage", async () => {
  const [last, ...first] = FILMS;
  if (last === undefined) throw new Error("no film");
  const running = await start();
  for (const film of first) putIntoInbox(running.inbox, film);
  await resultsAre(first.length);
  const before = ids();
  spoil();
  putIntoInbox(running.inbox, last);
  expect(await running.ended).toBe("status 1");
  expect(running.log()).toContain("STORE_DAMAGED");
  await start();
  await resultsAre(FILMS.length);
  expect(ids().slice(0, first.length)).toEqual(before);
  expect(readdirSync(join(folder, "data")).filter((name) => /\.damaged-\d{8}T\d{6}Z$/.test(name))).toHaveLength(1);
}, 120_000);
