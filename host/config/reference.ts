import { RESERVED_VARIABLES } from "./environment.ts";
import { KEYS, type Key, SECTIONS } from "./keys.ts";

const INTRODUCTION = `# Configuration

Generated from \`host/config/schema.ts\`; do not edit. An editor that understands JSON Schema can use
[config.schema.json](config.schema.json).

The appliance reads one YAML file: the one named by \`--config\`, else by \`LV06_CONFIG\`, else \`lv06.yaml\` in the
working folder, else none. Every key has a default, so no file is needed. The file is only ever read, never written.
\`./lv06 check-config\` checks it and names every problem with its line.

- **Environment**: every key can be set by its variable, which wins over the file. An empty variable means "nothing"
  where that is allowed; a list is written with commas, and an empty one is an empty list. An unknown variable that begins with \`LV06_\` is an error, except ${reservedList()}.
- **Secrets** (marked 🔒) are better not written into the file. They can come from a file named by the variable with
  \`_FILE\` behind it, or from a systemd credential that is called like the key (\`LoadCredential=mqtt.password:…\`); an empty credential is none.
- **Paths** that are relative start at the configuration file's folder, or at the working folder without a file. The
  default of \`model.dir\` starts where the appliance is installed.
`;

function reservedList(): string {
  return RESERVED_VARIABLES.map((name) => `\`${name}\``).join(", ");
}

const cell = (text: string) => text.replaceAll("|", "\\|");

function preset(key: Key): string {
  if (key.preset === null) return "nothing";
  return `\`${Array.isArray(key.preset) ? `[${key.preset.join(", ")}]` : String(key.preset)}\``;
}

function row(key: Key): string {
  const name = `\`${key.name}\`${key.secret ? " 🔒" : ""}`;
  const cells = [name, `\`${key.env}\``, key.type, preset(key), cell(key.allowed), cell(key.description)];
  return `| ${cells.join(" | ")} |`;
}

function chapter(name: string, description: string): string {
  const rows = KEYS.filter(({ path }) => path.slice(0, -1).join(".") === name).map(row);
  if (rows.length === 0) return "";
  const heading = name === "" ? "## Top level" : `## ${name}\n\n${description}`;
  const head = "| Key | Variable | Type | Default | Allowed | Meaning |\n|---|---|---|---|---|---|";
  return `\n${heading}\n\n${head}\n${rows.join("\n")}\n`;
}

/** `docs/config.md` */
export function configReference(): string {
  return INTRODUCTION + SECTIONS.map(({ name, description }) => chapter(name, description)).join("");
}
