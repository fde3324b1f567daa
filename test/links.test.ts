/** Links between the Markdown files of this repository: each leads to a file that is there, and to a heading of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

/** Made, fetched, or of another place. */
const NOT_OURS = new Set(["node_modules", "build", "data", "shared"]);

function markdownFiles(folder = ROOT): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith(".") || NOT_OURS.has(entry.name) ? [] : markdownFiles(path);
    return entry.isFile() && entry.name.endsWith(".md") ? [relative(ROOT, path)] : [];
  });
}

/** Code is no place for links: `[a](b)` there is text. */
const proseOf = (markdown: string) => markdown.replace(/^( *)(```|~~~).*?^\1\2/gms, "").replace(/`[^`\n]*`/g, "");

function targetsOf(markdown: string): readonly string[] {
  const prose = proseOf(markdown);
  const inline = prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g);
  const named = prose.matchAll(/^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?/gm);
  return [...inline, ...named].map(([, target = ""]) => target).filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

/** As the well-known hosts of repositories name headings. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.replace(/^```.*?^```/gms, "").matchAll(/^#{1,6} +(.+?) *#*$/gm)];
  const anchors = new Set<string>();
  for (const [, heading = ""] of headings) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = words.replace(/[^\p{L}\p{N}\p{M} _-]/gu, "").replaceAll(" ", "-");
    let name = anchor;
    for (let again = 1; anchors.has(name); again++) name = `${anchor}-${again}`;
    anchors.add(name);
  }
  return anchors;
}

/** @returns what is wrong with the link, or nothing */
function broken(file: string, target: string): string | undefined {
  const [path = "", anchor] = decodeURIComponent(target).split("#");
  const to = path === "" ? join(ROOT, file) : resolve(ROOT, dirname(file), path);
  const words = `${file}: ${target}`;
  if (relative(ROOT, to).startsWith("..")) return `${words} leads out of the repository`;
  if (!existsSync(to)) return `${words} is not there`;
  if (!anchor || !to.endsWith(".md")) return undefined;
  return anchorsOf(readFileSync(to, "utf8")).has(anchor) ? undefined : `${words} is no heading`;
}

const links = () =>
  markdownFiles().flatMap((file) =>
    targetsOf(readFileSync(join(ROOT, file), "utf8")).map((target) => ({ file, target })),
  );

test("every link between Markdown files leads somewhere", () => {
  const all = links();
  expect(all.length).toBeGreaterThan(50);
  expect(all.flatMap(({ file, target }) => broken(file, target) ?? [])).toEqual([]);
});

test("a link that leads nowhere is seen", () => {
  const text = ["[a](docs/none.md) [b](README.md#no-such) `[c](none.md)`", "[d]: none.png", "[e](https://x.example/)"];
  const wrong = targetsOf(text.join("\n")).map((target) => broken("README.md", target));
  expect(wrong).toEqual([
    "README.md: docs/none.md is not there",
    "README.md: README.md#no-such is no heading",
    "README.md: none.png is not there",
  ]);
});
