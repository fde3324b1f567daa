/** Writes build/sbom.cdx.json: what the appliance is made of. */
import { hash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Lockfile, type Model, sbomOf } from "./sbom-document.ts";

const root = resolve(import.meta.dirname, "..");

/** Every folder in models/ that has a manifest, in the order of their names. */
export function installedModels(): readonly Model[] {
  const names = readdirSync(resolve(root, "models")).sort();
  return names.flatMap((folder) => {
    const path = resolve(root, "models", folder, "manifest.json");
    if (!existsSync(path)) return [];
    const bytes = readFileSync(path);
    const { name, version, licence } = JSON.parse(bytes.toString("utf8")) as Model;
    return [{ name, version, licence, digest: hash("sha256", bytes) }];
  });
}

export function sbomText(): string {
  const lock = JSON.parse(readFileSync(resolve(root, "package-lock.json"), "utf8")) as Lockfile;
  return `${JSON.stringify(sbomOf(lock, installedModels()), null, 2)}\n`;
}

if (import.meta.main) {
  mkdirSync(resolve(root, "build"), { recursive: true });
  const file = resolve(root, "build/sbom.cdx.json");
  writeFileSync(file, sbomText());
  process.stdout.write(`${file}\n`);
}
