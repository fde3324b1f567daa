/** How large a PUBLISH packet will be on the wire (MQTT 5, §3.3; MQTT 3.1.1, §3.3). Pure. */
import type { Outgoing, ProtocolVersion } from "./connection.ts";

const TYPE_BYTES = 1;
const PACKET_ID_BYTES = 2;
/** In front of text and of binary data. */
const LENGTH_BYTES = 2;
const PROPERTY_ID_BYTES = 1;
const PAYLOAD_FORMAT_BYTES = PROPERTY_ID_BYTES + 1;
const EXPIRY_BYTES = PROPERTY_ID_BYTES + 4;

/** All bytes of the packet, as a broker's Maximum Packet Size counts them. */
export function packetBytes(message: Outgoing, version: ProtocolVersion): number {
  const { topic, qos, payload } = message;
  const head = LENGTH_BYTES + Buffer.byteLength(topic) + (qos === 0 ? 0 : PACKET_ID_BYTES);
  const properties = version === 5 ? propertyBytes(message) : 0;
  const rest = head + properties + payload.length;
  return TYPE_BYTES + varintBytes(rest) + rest;
}

function propertyBytes({ contentType, expiryS, correlationData }: Outgoing): number {
  const bytes =
    PAYLOAD_FORMAT_BYTES +
    (PROPERTY_ID_BYTES + LENGTH_BYTES + Buffer.byteLength(contentType)) +
    (expiryS === null ? 0 : EXPIRY_BYTES) +
    (correlationData === undefined ? 0 : PROPERTY_ID_BYTES + LENGTH_BYTES + correlationData.length);
  return varintBytes(bytes) + bytes;
}

/** Seven bits a byte. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes += 1;
  return bytes;
}
