/**
 * node main.ts --url mqtts://broker:8883 --name results --store received.db --ca ca.crt --cert results.crt --key results.key
 *
 * Every message that is new, as one JSON line on standard output, once it is durable; what happens otherwise, as JSON lines
 * on standard error. A user's password comes from LV06_SUBSCRIBER_PASSWORD. Ends with 0 at SIGTERM or Ctrl-C, with 1 when it
 * cannot go on: start it again, nothing is lost.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Received } from "./received.ts";
import { Subscriber, type SubscriberOptions } from "./subscriber.ts";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    name: { type: "string" },
    store: { type: "string", default: "received.db" },
    appliances: { type: "string" },
    ca: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
    "server-name": { type: "string" },
    username: { type: "string" },
    "ask-every-ms": { type: "string" },
  },
});
const { url, name, appliances, username } = values;
if (url === undefined || name === undefined) {
  process.stderr.write("node main.ts --url mqtt://HOST:PORT --name NAME [--store FILE] …: see README.md\n");
  process.exit(2);
}

const note = (line: object) => process.stderr.write(`${JSON.stringify(line)}\n`);
const store = new Received(values.store);
const subscriber = new Subscriber({
  ...{ url, name, store },
  access: access(),
  ...(appliances === undefined ? {} : { appliances }),
  ...(values["ask-every-ms"] === undefined ? {} : { askEveryMs: Number(values["ask-every-ms"]) }),
  onNew: ({ text }) => process.stdout.write(`${text}\n`),
  onNote: note,
  onFailed: (error) => {
    note({ what: "failed", error: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
    store.close();
  },
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());

async function stop(): Promise<void> {
  await subscriber.stop();
  store.close();
}

function access(): NonNullable<SubscriberOptions["access"]> {
  const password = process.env.LV06_SUBSCRIBER_PASSWORD;
  const read = (path: string | undefined, as: "ca" | "cert" | "key") =>
    path === undefined ? {} : { [as]: readFileSync(path) };
  return {
    ...read(values.ca, "ca"),
    ...read(values.cert, "cert"),
    ...read(values.key, "key"),
    ...(values["server-name"] === undefined ? {} : { servername: values["server-name"] }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}
