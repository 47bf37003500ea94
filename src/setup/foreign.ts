import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import type { AttachSpec, ExternalCommands, ExternalSpec } from "./spec.ts";

/** What `external` and `attach:<a>,<b>` have in common before anybody has looked. */
const UNSEEN = {
  bridge: null,
  hosts: ["h1", "h2"].map((name) => ({ name, device: "", address: null, port: {} })),
  mtu: null,
  ipv6: true,
};

/** Reads `external` or `attach:<a>,<b>`; null for any other topology. */
export function parseForeign(
  text: string,
  commands: ExternalCommands | null,
): ExternalSpec | AttachSpec | null {
  if (/^external([:,]|$)/.test(text)) return external(text, commands);
  if (!/^attach([:,]|$)/.test(text)) return null;
  const ends = text.replace(/^attach:?/, "").split(",");
  const [a = "", b = ""] = ends;
  if (!text.startsWith("attach:") || ends.length !== 2 || a === "" || b === "") {
    throw new UsageError(
      `attach expects two namespaces, attach:<a>,<b>, each a path, a PID, a name of ip netns, a container or a lab, and no options; not "${printable(text)}"`,
    );
  }
  return attachSpec([a, b]);
}

function external(text: string, commands: ExternalCommands | null): ExternalSpec {
  if (text !== "external") {
    throw new UsageError(
      `external takes no options, its network is what --setup makes; not "${printable(text)}"`,
    );
  }
  if (commands === null) {
    throw new UsageError(
      'external needs the command that connects its two namespaces: --setup \'["command","argument"]\'',
    );
  }
  return externalSpec(commands);
}

export function externalSpec(commands: ExternalCommands): ExternalSpec {
  return { ...UNSEEN, label: "external", kind: "external", commands };
}

export function attachSpec(ends: AttachSpec["ends"]): AttachSpec {
  return { ...UNSEEN, label: `attach:${ends.join(",")}`, kind: "attach", ends };
}

/** An argument array, as the library takes it or in JSON as the command line does. */
export function parseCommand(option: string, value: string | readonly string[]): string[] {
  const words: unknown = typeof value === "string" ? fromJson(value) : value;
  const good =
    Array.isArray(words) &&
    words.every((word) => typeof word === "string" && !word.includes("\0")) &&
    words.length > 0 &&
    words[0] !== "";
  if (good) return words;
  const found = typeof value === "string" ? value : JSON.stringify(value);
  throw new UsageError(
    `${option} expects a command and its arguments as a JSON array of strings, such as '["./connect.sh","demo"]', not ${printable(found).slice(0, 200)}`,
  );
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
