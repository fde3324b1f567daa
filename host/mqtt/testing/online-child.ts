/** A process with a client that stays online until it is killed. */
import { makeClient } from "./client.ts";

makeClient(process.argv[2] ?? "").start();
