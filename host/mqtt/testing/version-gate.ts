/** In front of a broker: lets MQTT 3.1.1 through, and refuses MQTT 5 as an old broker does. */
import { connect } from "node:net";
import { coupled, type Gate, openGate } from "./gate.ts";

/** CONNECT: type, remaining length of one or two bytes, 0 4 M Q T T, version. */
const NAME = Buffer.from("\u0000\u0004MQTT", "latin1");
/** CONNACK of 3.1.1: unacceptable protocol version. */
const REFUSED = Buffer.from([0x20, 2, 0, 1]);

export function openVersionGate(brokerPort: number): Promise<Gate> {
  return openGate((client, keep) => {
    client.once("data", (first) => {
      const version = first.readUInt8(first.indexOf(NAME) + NAME.length);
      if (version !== 4) {
        client.end(REFUSED);
        return;
      }
      const broker = connect(brokerPort, "127.0.0.1");
      keep(broker);
      broker.write(first);
      client.pipe(broker).pipe(client);
      coupled(client, broker);
    });
  });
}
