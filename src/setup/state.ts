import { z } from "zod";
import { BridgescopeError, UsageError } from "../system/errors.ts";
import { printable } from "../system/printable.ts";
import { ownerSchema } from "./ownership.ts";
import { type LabNames, namespacesOf } from "./plan.ts";
import type { TopologySpec } from "./spec.ts";

export const LAB_SCHEMA = "bridgescope.lab/1";

const LAB_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const LAB_ID = /^[0-9a-f]{8}$/;

const words = z.record(z.string(), z.string());

const specSchema = z.strictObject({
  label: z.string(),
  kind: z.enum(["netns", "veth", "bridge"]),
  hosts: z.array(
    z.strictObject({
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/),
      device: z.string().min(1),
      address: z.string().nullable(),
      port: words,
    }),
  ),
  bridge: z
    .strictObject({
      name: z.string().min(1),
      options: words,
      nfCall: z.boolean(),
      address: z.string().nullable(),
      fdb: z.array(z.strictObject({ address: z.string(), host: z.string() })),
    })
    .nullable(),
  mtu: z.int().positive().nullable(),
  ipv6: z.boolean(),
});

interface Named {
  id: string;
  name: string;
  spec: TopologySpec;
  namespaces: { name: string }[];
}

/** Names lead to removals: a state file may name nothing but what follows from its name, id and spec. */
function namesItsOwn(state: Named): boolean {
  const names = labNames(state.name, state.id);
  const expected = new Set(namespacesOf(state.spec).map((part) => names.namespace(part)));
  return (
    state.namespaces.length === expected.size &&
    state.namespaces.every((namespace) => expected.delete(namespace.name))
  );
}

/** What is known of a kept lab. It names, before it is made, everything that the lab makes. */
const stateSchema = z
  .strictObject({
    schema: z.literal(LAB_SCHEMA),
    id: z.string().regex(LAB_ID),
    name: z.string().regex(LAB_NAME),
    spec: specSchema,
    owner: ownerSchema.describe("The process that builds or removes the lab, or did so last"),
    phase: z.enum(["building", "kept", "dropping"]),
    namespaces: z.array(z.strictObject({ name: z.string(), inode: z.int().positive().nullable() })),
    createdAt: z.iso.datetime(),
  })
  .refine(namesItsOwn, { error: "it names namespaces that are not this lab's" });
export type LabState = z.infer<typeof stateSchema>;

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

/** A state file that does not say what it should. Nothing that it may name is touched. */
export class CorruptStateError extends BridgescopeError {
  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(
      `${printable(path)} is not a lab's state (${printable(reason)}): nothing was touched; look at \`ip netns list\`, then remove the file by hand`,
      1,
      options,
    );
  }
}

export function parseState(text: string, name: string, path: string): LabState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CorruptStateError(path, "not JSON", { cause });
  }
  const parsed = stateSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") || "the whole";
    throw new CorruptStateError(path, `${where}: ${issue?.message ?? "not valid"}`);
  }
  if (parsed.data.name !== name) {
    throw new CorruptStateError(path, `it is the state of "${parsed.data.name}"`);
  }
  return parsed.data;
}
