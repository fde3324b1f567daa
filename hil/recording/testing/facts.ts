/** What tests say of the host that they record with. */
import type { RecordFacts } from "../record.ts";

export const FACTS: RecordFacts = {
  suite: "1",
  host: { version: "0.1.0", commit: null, dirty: true },
  runtime: "test",
};
