import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import type { LabNames } from "./plan.ts";

const LAB_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** Names of a kept lab's namespaces, as `ip netns list` shows them. */
export function labNames(name: string, id: string): LabNames {
  return { id, namespace: (part) => `bs-${name}-${id}-${part}` };
}

export function isLabName(name: string): boolean {
  return LAB_NAME.test(name);
}

export function checkLabName(name: string): string {
  if (isLabName(name)) return name;
  throw new UsageError(
    `a lab's name is 1 to 32 of a-z, 0-9 and -, and starts with a letter; not "${printable(name)}"`,
  );
}
