import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { LOCK_FILE, RESULTS_FILE } from "../appliance/files.ts";
import { makeRescue } from "../appliance/rescue.ts";
import { readSecrets } from "../appliance/secrets.ts";
import type { Config } from "../config/schema.ts";
import { makeIdentity } from "../mqtt/topics.ts";
import { acceptSalvaged, checkStore } from "../store/check.ts";
import { StoreError } from "../store/errors.ts";
import { FolderLock } from "../store/lock.ts";
import { setAside } from "../store/open-store.ts";
import type { SalvageReport } from "../store/rescue.ts";
import { salvage } from "../store/salvage.ts";
import { action } from "./context.ts";
import { EXIT, examples } from "./output.ts";

export function registerStore(program: Command): void {
  const store = program
    .command("store")
    .description("the database of results: whether it is whole, and what to do where it is not");
  registerCheck(store);
  registerSalvage(store);
  registerAccept(store);
}

function registerCheck(store: Command): void {
  store
    .command("check")
    .summary("every page, index and row; what was set aside")
    .description(
      "Reads every page and index, opens every result and every message that waits, and says what was set aside as damaged. " +
        "Works while the appliance runs. Whether results are still what was sealed, `lv06 ledger check` says.",
    )
    .addHelpText(
      "after",
      `${examples("lv06 store check")}\n\nExit codes: 0 whole · 1 damaged · 2 usage or configuration`,
    )
    .action(
      action(({ config, output }) => {
        const settings = config();
        const path = pathOf(settings);
        if (!existsSync(path)) throw new StoreError("STORE_MISSING", `${path} does not exist`);
        const aside = setAside(path);
        const check = checkStore(path, readSecrets(settings, randomBytes).vault);
        const { results, messages, faults, unopened, salvaged } = check;
        const whole = faults.length === 0 && unopened.length === 0;
        output.answer({ whole, ...check, setAside: aside }, () => [
          `${results} results and ${messages} messages that wait open`,
          ...unopened.map(({ id, code }) => `${id} does not open [${code}]`),
          ...faults.map((fault) => `DAMAGED: ${fault}`),
          ...aside.map((name) => `set aside as damaged: ${join(dirname(path), name)}`),
          ...(salvaged === null ? [] : [...reportLines(salvaged), "lv06 store accept ends the alarm"]),
          whole ? "the store is whole" : "the store is DAMAGED",
        ]);
        return whole ? EXIT.done : EXIT.failed;
      }),
    );
}

function registerSalvage(store: Command): void {
  store
    .command("salvage")
    .summary("a new database from what can be read of a damaged one")
    .description(
      "Reads a damaged database, with the -wal beside it, page by page, and writes what opens and is what was bound into a " +
        "new one; the damaged one is only read. The appliance does this by itself when it starts: this is for a file that was set " +
        "aside, or that a failing disk gives only in part. Needs the keys that it was encrypted with.",
    )
    .argument("<file>", "the damaged database")
    .requiredOption("--into <file>", "the new one; no file may be there")
    .addHelpText("after", examples("lv06 store salvage data/results.db.damaged-20260930T101500Z --into saved.db"))
    .action(
      action(({ config, output }, file: string, { into }: { readonly into: string }) => {
        const report = salvageFile(config(), resolve(file), resolve(into));
        output.answer(report, () => reportLines(report));
        return EXIT.done;
      }),
    );
}

function registerAccept(store: Command): void {
  store
    .command("accept")
    .summary("what was saved of a damaged store is what there is: ends the alarm STORE_RESTORED")
    .description(
      "Ends the alarm STORE_RESTORED after a damaged store was saved. What was set aside stays where it is: move it elsewhere " +
        "or delete it once nobody misses anything. Works while the appliance runs.",
    )
    .addHelpText("after", examples("lv06 store accept"))
    .action(
      action(({ config, output }) => {
        const settings = config();
        const accepted = acceptSalvaged(pathOf(settings), readSecrets(settings, randomBytes).vault);
        output.answer({ accepted }, () =>
          accepted === null ? ["there was nothing to accept"] : [...reportLines(accepted), "accepted"],
        );
        return EXIT.done;
      }),
    );
}

/** @throws StoreError STORE_SALVAGE, STORE_IN_USE, and as `salvage`; VaultError */
function salvageFile(config: Config, from: string, into: string): SalvageReport {
  if (!existsSync(from) && !existsSync(`${from}-wal`)) throw new StoreError("STORE_SALVAGE", `${from} is not there`);
  if (existsSync(into) || !existsSync(dirname(into))) {
    throw new StoreError("STORE_SALVAGE", `${into} is there already, or its folder is not`);
  }
  const { vault } = readSecrets(config, randomBytes);
  const lock = from === pathOf(config) ? FolderLock.take(join(config.dataDir, LOCK_FILE)) : undefined;
  try {
    return salvage({
      ...{ from, into, file: basename(from), vault, utcMs: Date.now },
      rescue: makeRescue(makeIdentity(config.site, config.appliance)),
      ...{ lastGiven: 0, aboveReserved: true },
      outboxMaxRows: config.store.outboxMaxRows,
      outboxMaxBytes: config.store.outboxMaxBytes,
    });
  } finally {
    lock?.release();
  }
}

function pathOf({ dataDir }: Config): string {
  return join(resolve(dataDir), RESULTS_FILE);
}

function reportLines({ file, utcMs, saved, messages, queuedAgain, lost, lostFrom, lostTo }: SalvageReport): string[] {
  return [
    `${file} was damaged; saved at ${new Date(utcMs).toISOString()}:`,
    `${saved} results, ${messages} messages that waited; ${queuedAgain} messages are sent again`,
    lost === 0
      ? "no number is without its result"
      : `${lost} numbers from ${lostFrom} to ${lostTo} are without a result: some may never have been given`,
  ];
}
