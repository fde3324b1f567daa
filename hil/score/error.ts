import { codedErrors } from "../../host/base/error.ts";

export const SCORE_ERRORS = {
  SCORE_STALE: "A planted defect does not fit the sources any more: bring its text in hil/score/mutants up to date.",
  SCORE_BUILD: "The code does not build: run `make firmware`, or mend the planted defect so that it compiles.",
  SCORE_BASELINE:
    "The rig fails without any planted defect, so a score would mean nothing: make `make hil` pass first.",
  SCORE_CHANGES:
    "A page of results is of a commit, so that it can be measured again: commit or put away what differs, or leave --results out.",
  SCORE_TRIAL: "A trial could not be run: look at its words, and run it alone with --mutant and --keep.",
} as const;

export class ScoreError extends codedErrors(SCORE_ERRORS) {}
