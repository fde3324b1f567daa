/** Certificates as the example makes them for a broker and its clients, in a folder of their own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CERTIFY = new URL("../../../examples/mosquitto/certify", import.meta.url).pathname;

export class Certificates {
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "certificates-"));
    this.#run(["authority"]);
  }

  /** @param names host names and addresses; `days` below 0 makes one that is out of date */
  server(names: readonly string[], days = 2): void {
    this.#run(["server", ...names], days);
  }

  client(name: string, days = 2): void {
    this.#run(["client", name], days);
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  read(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run([what = "", ...names]: readonly string[], days = 2): void {
    execFileSync(CERTIFY, [this.folder, what, ...names], { env: { ...process.env, DAYS: String(days) } });
  }
}
