import { codedErrors } from "../base/error.ts";

export const INFERENCE_ERRORS = {
  INFERENCE_BUSY: "More images wait for the model than the limit allows: send it again later.",
  INFERENCE_CRASH:
    "The inference process died twice on this image: see the message, and report it if it happens again.",
  INFERENCE_DEADLINE: "The model took longer than its deadline: raise the deadline, or use a smaller model.",
  INFERENCE_GONE: "The inference process no longer holds this image: send it again.",
  INFERENCE_INPUT: "The model takes a raster-v1 image and the attention that its manifest asks for.",
  INFERENCE_RESTING:
    "The inference process ended too often and is left alone for a while: see the log, send it again later.",
  INFERENCE_RUN: "ONNX Runtime could not run the model: check that the model was made for this version.",
  INFERENCE_START: "The inference process did not start: its last words are in the message.",
  INFERENCE_STOPPED: "The appliance is stopping: send it again when it is back.",
  MODEL_DIGEST: "A model file is not the one its manifest names: copy the model folder again.",
  MODEL_GRAPH: "Manifest and ONNX file belong to different models: export or copy the model folder again.",
  MODEL_MANIFEST: "Correct manifest.json, or copy the model folder again.",
  MODEL_MISSING: "Check the model's folder: `lv06 models list` shows the ones that are installed.",
  MODEL_NO_VARIANT: "Choose one of the variants that the message lists, or a model made for this CPU.",
  MODEL_RUNTIME: "Use a model made for this version of the appliance, or update the appliance.",
  MODEL_TOO_LARGE: "Use a smaller model: a manifest may have 64 KiB, a graph 64 MiB, a weight file 512 MiB.",
} as const;

export type InferenceErrorCode = keyof typeof INFERENCE_ERRORS;

export class InferenceError extends codedErrors(INFERENCE_ERRORS) {}

export function isInferenceCode(code: string): code is InferenceErrorCode {
  return Object.hasOwn(INFERENCE_ERRORS, code);
}
