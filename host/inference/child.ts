/** The inference process: ONNX Runtime blocks its event loop while it computes, so it has one of its own. */
import { serve } from "../base/child-serve.ts";
import { errorMessage } from "../base/error.ts";
import type { ChildSettings, InferenceReply, InferenceRequest } from "./protocol.ts";
import { Runner } from "./runner.ts";

const settings = JSON.parse(process.argv[2] ?? "{}") as ChildSettings;
const runner = await Runner.create(settings).catch((error: unknown) => {
  process.stderr.write(errorMessage(error));
  process.exit(1);
});
serve<InferenceRequest, InferenceReply>((request) => runner.handle(request));
