/** How a client of this appliance's broker gets in. */
import { readFileSync } from "node:fs";
import { errorMessage } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { MqttError } from "../mqtt/errors.ts";

export interface BrokerAccess {
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority that signed the broker's certificate. */
  readonly ca?: string;
}

type Access = Pick<Config["mqtt"], "username" | "password" | "caFile">;

/** @throws MqttError MQTT_CA */
export function brokerAccess({ username, password, caFile }: Access): BrokerAccess {
  return {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(caFile === null ? {} : { ca: readAuthority(caFile) }),
  };
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new MqttError("MQTT_CA", `${path}: ${errorMessage(error)}`, { cause: error });
  }
}
