import { existsSync } from "node:fs";
import { closeNamespace, type NetworkNamespace, openNamespace } from "../../system/netns.ts";
import type { Site } from "../../system/site.ts";
import { listed, readLinks, readUntil } from "./read.ts";
import type { Observation, Step } from "./step.ts";

/** One worker (cleanup_net) takes namespaces apart, whole machine wide: it may be busy with others'. */
const RECLAIM_LIMIT_MS = 5_000;

/**
 * How a namespace ends. The kernel takes its devices apart when the last reference goes, so the
 * other end of a veth pair, kept in A, tells from outside whether it has.
 */
export function netnsEnd(site: Site): { steps: Step[]; release(): void } {
  let reference: NetworkNamespace | null = null;
  const release = () => {
    if (reference !== null) closeNamespace(reference);
    reference = null;
  };
  const steps: Step[] = [
    {
      id: "netns/deleted",
      title: "`ip netns del` takes the mount and its file away",
      command: "ip netns del test; ip netns list; ls /run/netns",
      expected: "no test in the list, no file",
      prepare: async () => {
        const pair = "link add watch type veth peer name watched netns test".split(" ");
        await site.runOk("ip", pair, { namespace: "A" });
        reference = openNamespace(site.netnsFolder, "test");
        await site.runOk("ip", ["netns", "del", "test"]);
      },
      observe: () => deleted(site),
    },
    {
      id: "netns/reclaimed",
      title: "The kernel reclaims a namespace once nothing refers to it",
      command:
        "exec 9</run/netns/test; ip netns del test; ip -n A link show watch; exec 9<&-; ip -n A link show watch",
      expected: "the veth into it lives while a descriptor is open and is gone after",
      observe: () => reclaimed(site, release),
    },
  ];
  return { steps, release };
}

async function deleted(site: Site): Promise<Observation> {
  const names = (await site.runOk("ip", ["netns", "list"]))
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name !== "");
  const file = existsSync(`${site.netnsFolder}/test`);
  return {
    passed: !names.includes("test") && !file,
    observed: `list: ${listed(names)}; ${file ? "the file is there" : "no file"}`,
  };
}

async function reclaimed(site: Site, release: () => void): Promise<Observation> {
  const read = async () => (await readLinks(site, "A")).some((link) => link.ifname === "watch");
  const held = await read();
  release();
  const closed = performance.now();
  const left = await readUntil(read, (there) => !there, RECLAIM_LIMIT_MS);
  const waited = `${Math.round(performance.now() - closed)} ms`;
  const before = held ? "there while the descriptor was open" : "gone with the descriptor open";
  const after = left ? `still there ${waited} after it was closed` : `gone ${waited} after`;
  return { passed: held && !left, observed: `${before}, ${after}` };
}
