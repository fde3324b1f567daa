import { codedErrors } from "../base/error.ts";

export const APPLIANCE_ERRORS = {
  EVAL_DATA:
    "Give a folder of images, or an index: a CSV file with the columns file and label, and split if it has splits.",
  EVAL_EMPTY: "Give a folder with PNG, JPEG or TIFF files in it, or an index that names some.",
  EVAL_INDEX: "Correct the index: a header with the columns file and label, then one line an image, each file once.",
  EVAL_LABEL:
    "Name the folders, or the labels of the index, as the model's manifest names its classes, letter by letter.",
  EVAL_ONE_CLASS: "Give images of both classes: figures of one alone say nothing of telling them apart.",
  EVAL_OUT: "Give an --out folder that can be written to.",
  EVAL_SPLIT: "Name splits that the index has; of a folder, give the split's own folder.",
  EVAL_TOO_MANY: "Give fewer images at once: split the data set.",
  EVAL_UNAVAILABLE:
    "Mend what the message names and run it again: it was no image's fault, so nothing is left out for it.",
  MINER_ADDRESS: "Correct this entry of device.miners: axeos://WORKER@HOST[:PORT] or s9://WORKER@ADDRESS[:PORT].",
  MINER_TWICE: "Give each miner of device.miners a worker name of its own.",
  PRECOMPUTE_CHANGED: "Give another --out folder: the files are not the ones that this one was begun with.",
  PRECOMPUTE_DAMAGED: "Give a new --out folder: what lies in this one does not fit together.",
  PRECOMPUTE_EMPTY: "Give a folder with PNG, JPEG or TIFF files in it.",
  PRECOMPUTE_FOLDER: "Give a folder that can be read.",
  PRECOMPUTE_OUT: "Give an --out folder that can be written to.",
  PRECOMPUTE_TOO_MANY: "Give a folder with fewer images: split the data set.",
} as const;

export class ApplianceError extends codedErrors(APPLIANCE_ERRORS) {}
