import { describe, expect, test } from "vitest";
import { junitOf } from "./junit.ts";
import { sampleReport } from "./testing/sample.ts";
import { type Element, parseXml } from "./testing/xml.ts";

/** What Jenkins' junit-10 schema allows: attributes an element must have, those it may have, and its children. */
const SCHEMA: Readonly<Record<string, { readonly must: string[]; readonly may: string[]; readonly holds: string[] }>> =
  {
    testsuites: { must: [], may: ["name", "time", "tests", "failures", "errors"], holds: ["testsuite"] },
    testsuite: {
      must: ["name", "tests", "failures", "errors"],
      may: ["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
      holds: ["testsuite", "properties", "testcase", "system-out", "system-err"],
    },
    properties: { must: [], may: [], holds: ["property"] },
    property: { must: ["name", "value"], may: [], holds: [] },
    testcase: {
      must: ["name"],
      may: ["time", "classname", "group"],
      holds: ["skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure", "flakyError"],
    },
    skipped: { must: [], may: ["type", "message"], holds: [] },
    error: { must: [], may: ["type", "message"], holds: [] },
    failure: { must: [], may: ["type", "message"], holds: [] },
    rerunFailure: { must: ["type"], may: ["message"], holds: [] },
    flakyFailure: { must: ["type"], may: ["message"], holds: [] },
  };

function offences({ name, attributes, children }: Element): string[] {
  const rule = SCHEMA[name];
  if (rule === undefined) return [`<${name}>`];
  const given = Object.keys(attributes);
  return [
    ...rule.must.filter((one) => !given.includes(one)).map((one) => `<${name}> lacks ${one}`),
    ...given.filter((one) => ![...rule.must, ...rule.may].includes(one)).map((one) => `<${name} ${one}>`),
    ...children.filter((child) => !rule.holds.includes(child.name)).map((child) => `<${name}><${child.name}>`),
    ...children.flatMap(offences),
  ];
}

const all = (element: Element, name: string): Element[] => [
  ...(element.name === name ? [element] : []),
  ...element.children.flatMap((child) => all(child, name)),
];

describe("JUnit", () => {
  const report = sampleReport();
  const root = parseXml(junitOf(report));

  test("keeps to the schema", () => {
    expect(offences(root)).toEqual([]);
  });

  test("has one suite a target, with counts that are those of its cases", () => {
    expect(root.children.map(({ attributes }) => attributes.name)).toEqual(
      report.targets.map(({ name }) => `hil.${name}`),
    );
    for (const suite of root.children) {
      const count = (name: string) => String(suite.children.filter((one) => one.children[0]?.name === name).length);
      const { tests, failures, skipped } = suite.attributes;
      expect([tests, failures, skipped]).toEqual([
        String(all(suite, "testcase").length),
        count("failure"),
        count("skipped"),
      ]);
    }
  });

  test("a failure and its second attempt are told apart, and say how to run it again", () => {
    const [failed] = all(root, "testcase")
      .filter(({ attributes }) => attributes.name === "usb/health/units")
      .slice(-1);
    expect(failed?.children.map(({ name }) => name)).toEqual(["failure", "rerunFailure"]);
    expect(failed?.children[0]?.text).toContain("./hil/hil run --target real-usb --case usb/health/units --seed 5");
  });

  test("a flaky case is no failure, and no plain success", () => {
    const flaky = all(root, "testcase").filter(({ children }) => children[0]?.name === "flakyFailure");
    expect(flaky.map(({ attributes }) => attributes.name)).toEqual(["usb/hash/batch"]);
  });

  test("what failed the run besides is an error", () => {
    const problems = [{ code: "RIG_NO_CASES", message: "nothing ran" }];
    const nothing = parseXml(junitOf({ ...report, targets: [], results: [], problems }));
    expect(offences(nothing)).toEqual([]);
    expect(nothing.attributes).toMatchObject({ errors: "1", tests: "1" });
  });

  test("hostile text comes back letter by letter", () => {
    const hostile = `]]></failure></testcase><x a="1'&amp;\u0001`;
    const again = parseXml(junitOf(sampleReport({ hostile })));
    expect(offences(again)).toEqual([]);
    expect(all(again, "failure")[0]?.attributes.message).toContain(hostile.replace("\u0001", "\\u0001"));
  });
});
