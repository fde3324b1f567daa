import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { loadConfig } from "../../../config/load.ts";
import type { Config } from "../../../config/schema.ts";

/** A configuration with these environment variables, less their `LV06_`. */
export function settingsOf(variables: Readonly<Record<string, string>>): Config {
  const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`LV06_${name}`, value]));
  return loadConfig({ file: null, env, cwd: tmpdir(), installDir: tmpdir() }).config;
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
