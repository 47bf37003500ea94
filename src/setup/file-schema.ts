import { z } from "zod";

/** Values of options are read like those of the command line, so a number and its text are the same. */
const value = z.union([z.string(), z.number()], { error: "expected a number or a text" });
const options = z.record(z.string(), value, { error: "expected options, one name: value a line" });
const text = (what: string) => z.string({ error: `expected ${what}` });
const NETWORK = "an IPv4 network such as 10.1.0.0/24";
const ADDRESS = "an IPv4 address with its prefix length, such as 10.1.0.10/24";

export const topologyFileSchema = z.strictObject(
  {
    network: text(NETWORK).optional().describe("Hosts without an address take theirs from it"),
    mtu: value.optional(),
    ipv6: value.optional(),
    nf_call: value.optional(),
    fdb_entries: value.optional(),
    nft_rules: value.optional(),
    vlans: value.optional(),
    bridge: options.optional(),
    hosts: z.array(
      z.strictObject(
        {
          name: text("a name"),
          address: z
            .string({ error: `expected ${ADDRESS}, or null for a host without one` })
            .nullable()
            .optional(),
          port: options.optional(),
        },
        { error: objectError("a host, such as { name: web }") },
      ),
      { error: "expected a list of hosts" },
    ),
    address: text(ADDRESS).optional().describe("The bridge's own"),
    fdb: z
      .array(
        z.strictObject(
          {
            address: text('a link-layer address in quotes, such as "02:00:00:00:00:01"'),
            host: text("the name of a host"),
          },
          { error: objectError('an entry, such as { address: "02:00:00:00:00:01", host: web }') },
        ),
        { error: "expected a list of entries" },
      )
      .optional(),
  },
  { error: objectError("a topology: hosts, and what else there is to say of the bridge") },
);

/** Unknown fields keep an error of their own. */
function objectError(expected: string) {
  return (issue: { code?: string }) =>
    issue.code === "unrecognized_keys" ? undefined : `expected ${expected}`;
}
