/** Prints what was skipped, by name, and closes with "N passed, N failed[, N skipped]". In CI a skip is a failure. */
import { readFileSync } from "node:fs";

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
    readonly status: string;
    readonly name: string;
  }[];
}

const report = JSON.parse(readFileSync("build/test/report.json", "utf8")) as Report;
const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
const count = (status: string) => tests.filter((test) => test.status === status).length;
const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");
// A file that does not even load has no tests, and is a failure all the same.
const broken = report.testResults.filter(({ status, assertionResults }) => {
  return status === "failed" && !assertionResults.some((test) => test.status === "failed");
});

const print = (line: string) => process.stdout.write(`${line}\n`);
for (const { fullName } of skipped) print(`skipped: ${fullName}`);
for (const { name } of broken) print(`failed to run: ${name}`);
const failed = count("failed") + broken.length;
print(`${count("passed")} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`);
const inCi = process.env.CI !== undefined && process.env.CI !== "";
if (failed > 0 || (inCi && skipped.length > 0) || count("passed") === 0) process.exit(1);
