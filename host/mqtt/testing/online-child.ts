/** A process with a client that stays online until it is killed. It ends by itself where nobody does, or it never is. */
import { makeClient } from "./client.ts";

const ONLINE_WITHIN_MS = 10_000;
const LIFE_MS = 60_000;

const client = makeClient(process.argv[2] ?? "");
const late = setTimeout(() => giveUp(`not online within ${ONLINE_WITHIN_MS} ms`), ONLINE_WITHIN_MS);
setTimeout(() => giveUp(`not killed within ${LIFE_MS} ms`), LIFE_MS);
client.onChange(({ state }) => {
  if (state === "online") clearTimeout(late);
});
client.start();

function giveUp(why: string): never {
  const { state, lastErrorMessage } = client.state;
  process.stderr.write(`${why}: ${state}, ${lastErrorMessage}\n`);
  process.exit(1);
}
