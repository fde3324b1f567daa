import { describe, expect, test } from "vitest";
import { auditVerdict } from "../scripts/audit-verdict.ts";
import { installedModels, sbomText } from "../scripts/sbom.ts";
import { type Lockfile, sbomOf } from "../scripts/sbom-document.ts";

const SHA = Buffer.alloc(64, 1);
const integrity = `sha512-${SHA.toString("base64")}`;
const lock: Lockfile = {
  name: "box",
  version: "1.2.3",
  packages: {
    "": { license: "MIT", dependencies: { a: "1", "@s/b": "2" }, optionalDependencies: { absent: "1" } },
    "node_modules/a": {
      version: "1.0.0",
      license: "MIT OR Apache-2.0",
      integrity,
      dependencies: { c: "1", "@s/b": "1" },
    },
    "node_modules/a/node_modules/c": { version: "1.0.0", license: "ISC", peerDependencies: { d: "*" } },
    "node_modules/c": { version: "2.0.0", license: "SEE LICENSE IN README AND LICENSE", dev: true },
    "node_modules/@s/b": { version: "2.0.0", license: "ISC", optional: true, dependencies: { c: "2" } },
  },
};

interface Document {
  readonly components: readonly (Readonly<Record<string, unknown>> & { readonly "bom-ref": string })[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

describe("the bill of materials", () => {
  const made = sbomOf(lock, [{ name: "m", version: "0.1", licence: "CC-BY-4.0", digest: "ab" }]) as Document;
  const component = (ref: string) => made.components.find((one) => one["bom-ref"] === ref);

  test("has every package with its version, hash, licence, and whether it is needed to run", () => {
    expect(component("a@1.0.0")).toEqual({
      ...{ "bom-ref": "a@1.0.0", type: "library", name: "a", version: "1.0.0", scope: "required" },
      purl: "pkg:npm/a@1.0.0",
      hashes: [{ alg: "SHA-512", content: SHA.toString("hex") }],
      licenses: [{ expression: "MIT OR Apache-2.0" }],
    });
    expect(component("@s/b@2.0.0")).toMatchObject({ purl: "pkg:npm/%40s/b@2.0.0", scope: "optional" });
    expect(component("c@2.0.0")).toMatchObject({
      ...{ scope: "excluded", licenses: [{ license: { name: "SEE LICENSE IN README AND LICENSE" } }] },
    });
    expect(component("c@1.0.0")).toMatchObject({ scope: "required", licenses: [{ license: { id: "ISC" } }] });
  });

  test("has the models and the device core", () => {
    expect(component("model:m@0.1")).toMatchObject({ hashes: [{ alg: "SHA-256", content: "ab" }] });
    expect(component("lv06-core@1.2.3")).toMatchObject({ type: "firmware" });
  });

  test("says what needs what, each as the one that Node would find", () => {
    expect(Object.fromEntries(made.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))).toEqual({
      "box@1.2.3": ["@s/b@2.0.0", "a@1.0.0"],
      "a@1.0.0": ["@s/b@2.0.0", "c@1.0.0"],
      "@s/b@2.0.0": ["c@2.0.0"],
      "c@1.0.0": [],
      "c@2.0.0": [],
    });
  });

  test("of this checkout is the same each time, and has no address, time or serial number", () => {
    const text = sbomText();
    expect(sbomText()).toBe(text);
    expect(text.match(/https?:\/\/[^"]*/g)).toEqual(["http://cyclonedx.org/schema/bom-1.5.schema.json"]);
    expect(text).not.toMatch(/timestamp|serialNumber|resolved/);
    const { components, dependencies } = JSON.parse(text) as Document;
    const refs = components.map((one) => one["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
    const known = new Set([...refs, ...dependencies.map(({ ref }) => ref)]);
    expect(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !known.has(ref))).toEqual([]);
    expect(installedModels().length).toBeGreaterThan(0);
    expect(components.filter(({ licenses }) => (licenses as object[]).length === 0)).toEqual([]);
  });
});

describe("the audit", () => {
  const answer = (vulnerabilities: object, named = {}) =>
    auditVerdict(JSON.stringify({ metadata: { vulnerabilities }, vulnerabilities: named }));

  test("that found nothing says that it was run", () => {
    expect(answer({ high: 0, total: 0 })).toEqual({ exitCode: 0, lines: [expect.stringMatching(/run; nothing/)] });
  });

  test("that found something names it", () => {
    expect(answer({ high: 2, low: 1, total: 3 }, { b: { severity: "low" }, a: { severity: "high" } })).toEqual({
      exitCode: 1,
      lines: ["npm audit: 3 found: 2 high, 1 low", "  a: high", "  b: low"],
    });
  });

  test.each([
    [
      "a registry that offers none",
      '{"message": "405 Method Not Allowed - POST https://example/-/npm", "error": {}}',
      "405",
    ],
    ["nothing", "", "could not be asked"],
    ["no JSON", "npm error", "could not be asked"],
    ["null", "null", "could not be asked"],
    ["an answer without figures", '{"metadata": {}}', "could not be asked"],
  ])("that had %s for an answer was not run, and is no clean one", (_, text, words) => {
    const { exitCode, lines } = auditVerdict(text);
    expect(exitCode).toBe(2);
    expect(lines).toEqual([expect.stringMatching(/^npm audit: not run: /)]);
    expect(lines.join()).toContain(words);
    expect(lines.join()).not.toContain("http");
  });
});
