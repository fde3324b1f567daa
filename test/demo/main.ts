/**
 * `make demo`: the whole path once, on real X-rays, watched from outside.
 *
 * Starts the appliance with the embedded broker and the model device, puts the 8 sample films into its inbox twice
 * in validation mode, subscribes as any MQTT client would, and checks that every result arrives, passes its
 * published schema, was compared with the device, and comes from the cache the second time with an equal answer.
 * Then that each is sealed, after it was published and never before: every receipt is asked for and verified offline.
 */
import { mkdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { Rasteriser } from "../../host/raster/rasteriser.ts";
import { startAppliance } from "./appliance.ts";
import { type SheetEntry, writeContactSheet } from "./contact-sheet.ts";
import { FILMS, type Film, putIntoInbox, readFilm } from "./films.ts";
import { OutsideClient, type Received } from "./outside-client.ts";
import { checkByCommand, fetchSeals } from "./seals.ts";
import { type Row, rowsOf, showTable } from "./table.ts";

const FOLDER = resolve(import.meta.dirname, "../../build/demo");
const SHEET = resolve(FOLDER, "contact-sheet.png");
const PASS_DEADLINE_MS = 120_000;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function demo(): Promise<readonly string[]> {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  say("starting the appliance with its embedded broker and the model device (simulated) …");
  const appliance = await startAppliance(FOLDER);
  try {
    const client = await OutsideClient.open(appliance.url, appliance.prefix, 20_000);
    try {
      await client.until("ready device", 20_000, () => client.of("health").some(({ data }) => deviceReady(data)));
      const first = await pass(client, appliance.inbox, 1);
      const second = await pass(client, appliance.inbox, 2);
      say("waiting for the seals, and verifying every receipt …");
      const seals = await fetchSeals(client, FOLDER);
      const events = client.of("event");
      const rows = [...rowsOf(1, first, events, seals), ...rowsOf(2, second, events, seals)];
      say("");
      for (const line of showTable(rows)) say(line);
      say("");
      const disproved = checkByCommand(client, FOLDER, say);
      await drawSheet(rows);
      await appliance.stop();
      await client.until("status: stopped", 10_000, () =>
        client.of("status").some(({ data }) => data.state === "stopped"),
      );
      return [...complaintsOf(rows, client.received), ...disproved, ...appliance.complaints()];
    } finally {
      await client.close();
    }
  } finally {
    await appliance.stop();
  }
}

/** Puts all films in and waits for their results and, for what was not cached, for the device's comparison. */
async function pass(client: OutsideClient, inbox: string, number: 1 | 2): Promise<Received[]> {
  say(`pass ${number}: ${FILMS.length} films into the inbox …`);
  const before = client.of("result").length;
  for (const film of FILMS) putIntoInbox(inbox, film);
  const results = () => client.of("result").slice(before);
  await client.until(
    `${FILMS.length} results of pass ${number}`,
    PASS_DEADLINE_MS,
    () => results().length >= FILMS.length,
  );
  const fresh = results().filter(({ data }) => data.cached === false);
  const reported = () => client.of("event").filter(({ data }) => data.kind === "digest-check");
  await client.until(`device comparisons of pass ${number}`, PASS_DEADLINE_MS, () =>
    fresh.every(({ data }) => reported().some((event) => event.data.resultId === data.resultId)),
  );
  return results();
}

function deviceReady(health: Record<string, unknown>): boolean {
  const device = health.device as { readonly state?: string } | undefined;
  return device?.state === "ready";
}

function complaintsOf(rows: readonly Row[], received: readonly Received[]): string[] {
  const complaints = received.flatMap(({ kind, complaints }) => complaints.map((words) => `${kind}: ${words}`));
  for (const film of FILMS) {
    const [first, second] = [1, 2].map((number) => rows.find((row) => row.pass === number && row.file === film.name));
    if (first === undefined || second === undefined) {
      complaints.push(`${film.name}: a result is missing`);
      continue;
    }
    if (first.cached) complaints.push(`${film.name}: the first pass came from the cache`);
    if (!second.cached) complaints.push(`${film.name}: the second pass did not come from the cache`);
    if (first.answer !== second.answer) complaints.push(`${film.name}: the answers differ`);
    if (first.check.outcome !== "matched") complaints.push(`${film.name}: digest check ${first.check.outcome}`);
    if (!first.check.simulated) complaints.push(`${film.name}: the model device did not say that it is simulated`);
  }
  for (const { file, pass, seal } of rows) {
    complaints.push(...(seal?.complaints ?? [`${file}: the result of pass ${pass} is not sealed`]));
  }
  if (rows.length !== 2 * FILMS.length) complaints.push(`${rows.length} results instead of ${2 * FILMS.length}`);
  const sequences = rows.map(({ sequence }) => sequence).sort((a, b) => a - b);
  if (sequences.some((sequence, i) => sequence !== i + 1)) complaints.push(`gap in the sequence: ${sequences}`);
  return complaints;
}

async function drawSheet(rows: readonly Row[]): Promise<void> {
  const rasteriser = new Rasteriser({ deadlineMs: 20_000, memoryMiB: 1024, queueMax: 16 });
  try {
    const entry = async (film: Film): Promise<SheetEntry> => {
      const { raster } = await rasteriser.rasterise(readFilm(film));
      const row = rows.find(({ file }) => file === film.name);
      return {
        samples: raster.samples,
        caption: [film.name, `labelled ${film.label}`, `P(pneumonia) ${row?.probability}: ${row?.decision}`],
      };
    };
    const entries = await Promise.all(FILMS.map(entry));
    const head =
      "Films, hash attention and decisions. Research use only. The maps are noise keyed by pixels, not explanations.\n" +
      "Films: Kermany, Zhang, Goldbaum (2018), CC BY 4.0, doi:10.17632/rscbjbr9sj.2. Device: simulated.";
    await writeContactSheet(SHEET, entries, head);
    say(`\ncontact sheet: ${SHEET}`);
  } finally {
    await rasteriser.stop();
  }
}

try {
  const complaints = await demo();
  for (const words of complaints) say(`✗ ${words}`);
  if (complaints.length === 0) {
    say(
      `all ${2 * FILMS.length} results arrived over MQTT, passed their schema, and the second pass equals the first;`,
    );
    say(
      "each was sealed after it was published, and every receipt is valid (simulated: the model device did the work)",
    );
  }
  process.exitCode = complaints.length === 0 ? 0 : 1;
} catch (error) {
  say(`✗ ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
