import { codedErrors } from "../base/error.ts";

export const CONFIG_ERRORS = {
  CONFIG_INVALID: "Correct every line and variable named above; docs/config.md lists each key with its allowed values.",
  CONFIG_MISSING: "Give the path of a configuration file that exists, or none at all: every key has a default.",
  CONFIG_NOT_CHANGED: "Write the line into the configuration file yourself, or name a file that this user may replace.",
  CONFIG_OVERRIDDEN: "Change or unset the environment variable: it wins over the configuration file.",
  CONFIG_TOO_LARGE: "A configuration is a few kilobytes of YAML: check that this is the right file.",
  CONFIG_UNREADABLE: "Give a plain file that the appliance's user may read.",
} as const;

export class ConfigError extends codedErrors(CONFIG_ERRORS) {}
