/** A recording as questions, answers, and what was said unasked. */
import { LineDecoder } from "../../host/device/link/decoder.ts";
import type { Frame } from "../../host/device/link/frame.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import type { Event, Recording } from "./format.ts";
import { messagesOf, questionKey } from "./stratum-text.ts";

export interface Answered {
  /** The command or method. */
  readonly name: string;
  /** All of the question but its number. */
  readonly question: string;
  /** All of the answer but its number, and, over USB, the boot id: every start draws another. */
  readonly answer: string;
  readonly tookUs: number;
}

export interface Talk {
  readonly answered: readonly Answered[];
  /** By what it is: a notice's verb or method, `log`, or `damaged`. */
  readonly unasked: Readonly<Record<string, number>>;
}

export function talkOf({ header, events }: Recording): Talk {
  return header.transport === "usb" ? usbTalk(events) : stratumTalk(events);
}

interface Open {
  readonly name: string;
  readonly question: string;
  readonly atUs: number;
}

class Notes {
  readonly answered: Answered[] = [];
  readonly unasked: Record<string, number> = {};

  heard(what: string): void {
    this.unasked[what] = (this.unasked[what] ?? 0) + 1;
  }

  answer({ name, question, atUs }: Open, answer: string, nowUs: number): void {
    this.answered.push({ name, question, answer, tookUs: nowUs - atUs });
  }
}

function usbTalk(events: readonly Event[]): Talk {
  const notes = new Notes();
  const decoders = new Map<string, LineDecoder>();
  const open = new Map<string, Open>();
  for (const event of events) {
    if (event.code !== "w" && event.code !== "r") continue;
    const decoder = decoders.get(`${event.code}${event.connection}`) ?? new LineDecoder(MAX_LINE_BYTES);
    decoders.set(`${event.code}${event.connection}`, decoder);
    for (const heard of decoder.push(event.bytes)) {
      if (heard.kind === "frame") usbFrame(heard.frame, event, open, notes);
      else if (event.code === "r") notes.heard(heard.kind === "log" ? "log" : "damaged");
    }
  }
  return notes;
}

function usbFrame(
  frame: Frame,
  { code, connection, atUs }: Event & { connection: number },
  open: Map<string, Open>,
  notes: Notes,
) {
  const key = `${connection}/${frame.seq}`;
  if (code === "w") {
    // A repeat is the same question: it waits since it was first asked.
    const question = wordsOf(frame, frame.args);
    if (open.get(key)?.question !== question) open.set(key, { name: nameOf(frame), question, atUs });
    return;
  }
  const asked = frame.verb === "OK" || frame.verb === "ERR" ? open.get(key) : undefined;
  if (asked === undefined) return notes.heard(frame.verb);
  open.delete(key);
  notes.answer(asked, wordsOf(frame, frame.args.slice(1)), atUs);
}

function nameOf({ verb, args }: Frame): string {
  const [sub] = args;
  return (verb === "IMAGE" || verb === "WORK") && sub !== undefined ? `${verb} ${sub}` : verb;
}

function wordsOf({ verb, payload }: Frame, args: readonly string[]): string {
  const words = [verb, ...args].join(" ");
  return payload === undefined ? words : `${words} :${Buffer.from(payload).toString("hex")}`;
}

/** What the pool answers to the device, and how long the device takes from a job to a share of it. */
function stratumTalk(events: readonly Event[]): Talk {
  const notes = new Notes();
  const open = new Map<string, Open>();
  const jobs = new Map<string, number>();
  for (const message of messagesOf(events)) {
    const { connection, from, method, params, atUs } = message;
    const key = questionKey(message);
    if (from === "device" && method !== "") {
      const jobUs = method === "mining.submit" ? jobs.get(`${connection}/${String(params[1])}`) : undefined;
      const question = `${method} ${JSON.stringify(params)}`;
      if (jobUs === undefined) open.set(key, { name: method, question, atUs });
      else open.set(key, { name: "job to share", question, atUs: jobUs });
    } else if (from === "host" && method === "") {
      const asked = open.get(key);
      open.delete(key);
      const answer = JSON.stringify([message.result, message.error]);
      if (asked !== undefined) notes.answer(asked, answer, atUs);
    } else {
      if (method === "mining.notify") jobs.set(`${connection}/${String(params[0])}`, atUs);
      notes.heard(method === "" ? "answer" : method);
    }
  }
  return notes;
}
