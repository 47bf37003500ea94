import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Explanation } from "../../src/document/explain.ts";
import { explainBridge } from "../../src/explain/explain.ts";
import { floodLab, macOf } from "../integration/explain/lab.ts";
import type { VlanReport } from "./explain.ts";

const GONE = "02:00:00:00:99:99";
const lab = await floodLab();

/** Explains while a sends to these addresses: attaching takes half a minute here, so once for all. */
async function explainTo(...addresses: string[]): Promise<Explanation["findings"]> {
  let over = false;
  const answer = explainBridge({
    ...{ bridge: "br0", netns: String(lab.bridge.pid), seconds: 3, maxOverhead: 1 },
  }).finally(() => {
    over = true;
  });
  while (!over) {
    for (const to of addresses) lab.got("c", { from: "a", to, count: 20 });
    lab.got("c", { from: "a", to: macOf("c"), vlan: 30, count: 20 });
    await sleep(20);
  }
  return (await answer).findings;
}

// a is put into VLAN 20, where c is too; b is in VLAN 1.
lab.shell("ip link set br0 type bridge vlan_filtering 1");
lab.shell("bridge vlan add dev pa vid 20 pvid untagged; bridge vlan del dev pa vid 1");
lab.shell("bridge vlan add dev pc vid 20");
lab.got("b", { from: "b", to: macOf("b"), count: 1 });

const before = lab.got("b", { from: "a", to: macOf("b") });
const found = await explainTo(macOf("b"), GONE);
const policies = found.filter(({ kind }) => kind !== "flood");
const floods = found.filter(({ kind }) => kind === "flood");
const findings = floods.filter(({ destination }) => destination === macOf("b"));
const unknown = floods.filter(({ destination }) => destination !== macOf("b"));
const local = lab.local();
execFileSync("sh", ["-ec", findings[0]?.remedy?.command ?? "false"]);
const after = lab.got("b", { from: "a", to: macOf("b") });
const others = lab.got("c", { from: "a", to: macOf("b") });
// A port has its own address in each of its VLANs, so one more may have come.
const now = lab.local().split("\n");
const kept = local.split("\n").every((entry) => now.includes(entry));
execFileSync("sh", ["-ec", findings[0]?.remedy?.undo ?? "false"]);
const vlans = lab.shell("bridge vlan show dev pa");
await lab.leave();

const report: VlanReport = { findings, unknown, policies, before, after, others, kept, vlans };
process.stdout.write(JSON.stringify(report));
