/**
 * What the appliance is made of, as CycloneDX 1.5: the npm packages that the lockfile pins (Node among them), the
 * models, and the C device core. Made from files of the checkout alone, so the same checkout gives the same document:
 * no time, no serial number, no address that anything was fetched from.
 */
import { posix } from "node:path";

/** Of package-lock.json, version 3. */
export interface Lockfile {
  readonly name: string;
  readonly version: string;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  /** Subresource Integrity: `sha512-` and base64. */
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Model {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Of manifest.json, which pins the weights; lowercase hex. */
  readonly digest: string;
}

interface Component {
  readonly "bom-ref": string;
  readonly type: "application" | "library" | "firmware" | "machine-learning-model";
  readonly name: string;
  readonly version: string;
  /** `excluded`: used to build and test, not to run. */
  readonly scope?: "required" | "optional" | "excluded";
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses: readonly object[];
}

const FOLDER = "node_modules/";

export function sbomOf(lock: Lockfile, models: readonly Model[]): object {
  const root = lock.packages[""];
  if (root === undefined) throw new Error("package-lock.json has no package of its own: make it with npm 7 or newer");
  const own = `${lock.name}@${lock.version}`;
  const places = Object.keys(lock.packages).filter((place) => place !== "");
  const refOf = (place: string) => `${nameOf(place, lock)}@${lock.packages[place]?.version ?? ""}`;
  // One package may lie in several folders.
  const components = new Map(places.map((place) => [refOf(place), npmComponent(refOf(place), place, lock)]));
  const dependsOn = new Map<string, Set<string>>([[own, new Set()]]);
  for (const place of ["", ...places]) {
    const ref = place === "" ? own : refOf(place);
    const known = dependsOn.get(ref) ?? new Set();
    for (const found of dependenciesOf(place, lock)) known.add(refOf(found));
    dependsOn.set(ref, known);
  }
  const others = [deviceCore(lock.version, root.license ?? ""), ...models.map(modelComponent)];
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: { ...plain("application", lock.name, lock.version, root.license ?? ""), "bom-ref": own },
    },
    components: [...[...components.values()].sort(byRef), ...others],
    dependencies: [...dependsOn]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([ref, on]) => ({ ref, dependsOn: [...on].sort() })),
  };
}

function byRef(a: Component, b: Component): number {
  return a["bom-ref"] < b["bom-ref"] ? -1 : 1;
}

/** A package that stands in for another says its own name. */
function nameOf(place: string, lock: Lockfile): string {
  return lock.packages[place]?.name ?? place.slice(place.lastIndexOf(FOLDER) + FOLDER.length);
}

function npmComponent(ref: string, place: string, lock: Lockfile): Component {
  const { version = "", license = "", integrity, dev, optional, devOptional } = lock.packages[place] ?? {};
  const name = nameOf(place, lock);
  const scope = dev ? "excluded" : optional || devOptional ? "optional" : "required";
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  return { ...plain("library", name, version, license), "bom-ref": ref, scope, purl, hashes: hashesOf(integrity) };
}

function hashesOf(integrity: string | undefined) {
  const [, digits, base64] = /^sha(\d+)-(.+)$/.exec(integrity ?? "") ?? [];
  if (digits === undefined || base64 === undefined) return [];
  return [{ alg: digits === "1" ? "SHA-1" : `SHA-${digits}`, content: Buffer.from(base64, "base64").toString("hex") }];
}

function modelComponent({ name, version, licence, digest }: Model): Component {
  const hashes = [{ alg: "SHA-256", content: digest }];
  return { ...plain("machine-learning-model", name, version, licence), "bom-ref": `model:${name}@${version}`, hashes };
}

/** Built from this checkout's sources; runs in the device, and as the model device. */
function deviceCore(version: string, licence: string): Component {
  return { ...plain("firmware", "lv06-core", version, licence), "bom-ref": `lv06-core@${version}` };
}

function plain(type: Component["type"], name: string, version: string, licence: string) {
  const isExpression = / (?:AND|OR|WITH) /.test(licence) && !licence.startsWith("SEE LICENSE");
  const licenses = licence === "" ? [] : [isExpression ? { expression: licence } : { license: licenceOf(licence) }];
  return { type, name, version, licenses };
}

/** An SPDX id is one word; anything else is only a name. */
function licenceOf(licence: string): object {
  return /^[A-Za-z0-9.+-]+$/.test(licence) ? { id: licence } : { name: licence };
}

/** Where each dependency of the package lies, as Node looks for it: nearest folder first. */
function dependenciesOf(place: string, lock: Lockfile): string[] {
  const found = lock.packages[place] ?? {};
  const { dependencies, optionalDependencies, peerDependencies } = found;
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return names.map((name) => lookUp(place, name, lock)).filter((one) => one !== undefined);
}

function lookUp(from: string, name: string, lock: Lockfile): string | undefined {
  for (let folder = from; ; folder = above(folder)) {
    const place = posix.join(folder, FOLDER, name);
    if (lock.packages[place] !== undefined) return place;
    // Left out for this platform, or a peer that nobody wanted.
    if (folder === "") return undefined;
  }
}

/** `node_modules/a/node_modules/b` → `node_modules/a` → the root. */
function above(place: string): string {
  const end = place.lastIndexOf(`/${FOLDER}`);
  return end < 0 ? "" : place.slice(0, end);
}
