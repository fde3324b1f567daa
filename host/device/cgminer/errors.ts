/** The error table of miners that are read through cgminer's interface. */
import { codedErrors } from "../../base/error.ts";

export const CGMINER_ERRORS = {
  CGMINER_ADDRESS: "Only addresses of the local network are asked: give the miner's own numeric address.",
  CGMINER_UNREACHABLE: "The miner does not answer on this port: check its power, its network and the address.",
  CGMINER_DEADLINE: "The miner did not answer in time: check its network, or restart it.",
  CGMINER_SIZE: "The answer is larger than any miner's: check that the address is a miner's.",
  CGMINER_REPLY: "The answer is not what a miner gives: check that the address is a miner's.",
  CGMINER_REFUSED: "The miner refused the question: its reason is in the message.",
} as const;

export class CgminerError extends codedErrors(CGMINER_ERRORS) {}
