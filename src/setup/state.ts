import { z } from "zod";
import { BridgescopeError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { isLabName, labNames } from "./lab-name.ts";
import { FILL_NAMES } from "./options.ts";
import type { Owner } from "./ownership.ts";
import { namespacesOf } from "./plan.ts";
import { MAX_CHAIN, type TopologySpec } from "./spec.ts";

const LAB_ID = /^[0-9a-f]{8}$/;

const ownerSchema: z.ZodType<Owner> = z.strictObject({
  pid: z.int().positive(),
  startTime: z.int().nonnegative(),
  bootId: z.string().regex(/^[0-9a-f-]{36}$/),
});

const words = z.record(z.string(), z.string());

const specSchema = z.strictObject({
  label: z.string(),
  kind: z.enum(["netns", "veth", "bridge", "chain"]),
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
      inSeries: z.int().min(1).max(MAX_CHAIN).default(1),
      options: words,
      nfCall: z.boolean(),
      address: z.string().nullable(),
      fill: z.partialRecord(z.enum(FILL_NAMES), z.int().positive()).default({}),
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
    schema: z.literal("bridgescope.lab/1"),
    id: z.string().regex(LAB_ID),
    name: z.string().refine(isLabName),
    spec: specSchema,
    owner: ownerSchema.describe("The process that builds or removes the lab, or did so last"),
    phase: z.enum(["building", "kept", "dropping"]),
    namespaces: z.array(z.strictObject({ name: z.string(), inode: z.int().positive().nullable() })),
    createdAt: z.iso.datetime(),
  })
  .refine(namesItsOwn, { error: "it names namespaces that are not this lab's" });
export type LabState = z.infer<typeof stateSchema>;

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
