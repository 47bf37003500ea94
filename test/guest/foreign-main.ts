import { ForeignProbes } from "../../src/probes/foreign.ts";
import { stranger } from "../integration/probes/bpftrace.ts";
import type { ForeignReport } from "./foreign.ts";

const probes = ForeignProbes.open(() => []);
if (probes === null) throw new Error("BPF programs are not ours to see");
const seen = (pid: number) =>
  probes
    .look()
    .map((key) => probes.describe(key))
    .filter((one) => one.pid === pid);

const reports: ForeignReport[] = [];
for (const text of JSON.parse(process.argv[2] ?? "[]") as string[]) {
  const one = await stranger(`${text} { @ = count(); }`);
  const found = seen(one.pid);
  await one.end();
  reports.push({ pid: one.pid, found, after: seen(one.pid) });
}
probes.close();
process.stdout.write(JSON.stringify(reports));
