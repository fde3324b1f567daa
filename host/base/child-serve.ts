/** A supervised child process: the child's side of `child.ts`. */
import { CodedError, errorCode, errorMessage } from "./error.ts";

interface Envelope<Request> {
  readonly id: number;
  readonly body: Request;
}

/**
 * Answers the parent's requests with `handle` until the parent goes.
 *
 * Signals meant for the appliance (Ctrl-C, a service manager's SIGTERM to the whole group) are left to the
 * parent, so that work in progress is finished; when the channel closes, the child ends.
 */
export function serve<Request, Reply>(handle: (request: Request) => Reply | Promise<Reply>): void {
  process.on("disconnect", () => process.exit(0));
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("message", (message) => {
    const { id, body } = message as Envelope<Request>;
    void answer(handle, body).then((outcome) => process.send?.({ id, ...outcome }));
  });
  process.send?.({ ready: true });
}

async function answer<Request, Reply>(handle: (request: Request) => Reply | Promise<Reply>, body: Request) {
  try {
    return { reply: await handle(body) };
  } catch (error) {
    const detail = error instanceof CodedError ? error.detail : errorMessage(error);
    return { refusal: { code: errorCode(error), detail } };
  }
}
