import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const HOST = resolve(import.meta.dirname, "../host");

/** DESIGN §4, with `base` as the floor. A room may import the rooms of lower layers; within a layer only types. */
const LAYERS = [
  ["cli"],
  ["appliance"],
  ["ingest", "pipeline", "mqtt", "health"],
  ["raster", "attention", "inference", "seal", "device", "store"],
  ["work"],
  ["base"],
] as const;
/** Read by cli and appliance only, and reads nothing but base. */
const CONFIG = "config";

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
  readonly file: string;
}

const layerOf = (room: string) => LAYERS.findIndex((layer) => (layer as readonly string[]).includes(room));

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name));
}

/** Static and dynamic imports, and modules named by URL (children); other files named by URL are data. */
const IMPORT =
  /(?:import|export)\s+(type\s)?[^"';]*?from\s+"([^"]+)"|import\("([^"]+)"\)|import\s+"([^"]+)"|new URL\("([^"]+\.ts)"/g;

function importsOf(file: string): { readonly specifier: string; readonly typeOnly: boolean }[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)].map((match) => ({
    specifier: match[2] ?? match[3] ?? match[4] ?? match[5] ?? "",
    typeOnly: match[1] !== undefined,
  }));
}

function roomImports(): Import[] {
  return sourceFiles(HOST).flatMap((file) =>
    importsOf(file)
      .filter(({ specifier }) => specifier.startsWith("."))
      .map(({ specifier, typeOnly }) => {
        const target = relative(HOST, resolve(dirname(file), specifier));
        const room = (path: string) => path.split("/")[0] ?? "";
        return { from: room(relative(HOST, file)), to: room(target), typeOnly, file: relative(HOST, file) };
      })
      .filter(({ from, to }) => from !== to),
  );
}

function offence({ from, to, typeOnly, file }: Import): string | undefined {
  const words = `${file} (${from}) imports ${to}`;
  if (to === CONFIG) return from === "cli" || from === "appliance" ? undefined : words;
  if (from === CONFIG) return to === "base" ? undefined : words;
  const [a, b] = [layerOf(from), layerOf(to)];
  if (a < 0 || b < 0) return `${words}: not a room of the house`;
  if (b > a) return undefined;
  return a === b && typeOnly ? undefined : words;
}

describe("the arrows of the house", () => {
  const imports = roomImports();

  test("are read: every layer above the floor imports something", () => {
    const importing = new Set(imports.map(({ from }) => from));
    for (const room of ["cli", "appliance", "pipeline", "attention"]) expect(importing).toContain(room);
  });

  test("go down only", () => {
    expect(imports.map(offence).filter((words) => words !== undefined)).toEqual([]);
  });

  test("an upward import and a sideways value import would be found", () => {
    const at = (from: string, to: string, typeOnly = false) => offence({ from, to, typeOnly, file: "x.ts" });
    expect(at("store", "mqtt")).toBeDefined();
    expect(at("store", "mqtt", true)).toBeDefined();
    expect(at("raster", "attention")).toBeDefined();
    expect(at("raster", "attention", true)).toBeUndefined();
    expect(at("pipeline", CONFIG)).toBeDefined();
    expect(at("appliance", CONFIG)).toBeUndefined();
  });

  test("host never imports hil or test, and only one module imports mqtt", () => {
    const files = sourceFiles(HOST);
    const outside = files.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier }) => resolve(dirname(file), specifier))
        .filter((target) => !target.startsWith(`${HOST}/`) && !target.endsWith("/package.json")),
    );
    expect(outside).toEqual([]);
    const client = files.filter(
      (file) => !/\.test\.ts$|\/testing\//.test(file) && importsOf(file).some((i) => i.specifier === "mqtt"),
    );
    expect(client.map((file) => relative(HOST, file))).toEqual(["mqtt/connection.ts"]);
  });
});
