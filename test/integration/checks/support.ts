import { readdirSync, readFileSync } from "node:fs";
import type { Check } from "../../../src/document/run.ts";
import { aliasOf } from "../../../src/setup/plan.ts";
import { run, runOk } from "../../../src/system/command.ts";
import { openPrivateSite, type Site } from "../../../src/system/site.ts";

/** Breaks the lab and says how to mend it again. */
export type Break = (site: Site) => Promise<() => Promise<unknown>>;

/** Gives the action a site of its own, so that tests can run side by side. */
export async function inSite<T>(action: (site: Site) => Promise<T>): Promise<T> {
  const site = await openPrivateSite();
  try {
    return await action(site);
  } finally {
    await site.close();
  }
}

export function failed(checks: readonly Check[]): string[] {
  return checks.filter((check) => !check.passed).map((check) => check.id);
}

export function observed(checks: readonly Check[], id: string): string | undefined {
  return checks.find((check) => check.id === id)?.evidence.observed;
}

/** The two command lines in a namespace: what breaks the lab, and what mends it. */
export function commands(namespace: string | undefined, wrong: string, right: string): Break {
  return async (site) => {
    await typed(site, namespace, wrong);
    return () => typed(site, namespace, right);
  };
}

/** Takes commands parted by `;`, words by blanks. */
export async function typed(site: Site, namespace: string | undefined, line: string) {
  for (const command of line.split("; ")) {
    const [tool = "", ...words] = command.split(" ");
    await site.runOk(tool, words, { namespace });
  }
}

/** What there was before. */
const there = await named();

/** What the rungs could have left: devices and namespaces of the host, processes of ours. */
export async function leftovers(): Promise<string[]> {
  return [
    ...(await named()).filter((one) => !there.includes(one)),
    ...children().filter((name) => ["cat", "sh", "nsenter", "ping", "ip"].includes(name)),
  ];
}

/** Devices and namespaces of the host that are called as a rung's, and that are not marked as somebody else's. */
async function named(): Promise<string[]> {
  const links = JSON.parse(await runOk("ip", ["-j", "link"])) as Link[];
  const names = await run("ip", ["netns", "list"]);
  return [
    ...links
      .filter(({ ifname }) => /^(veth[01]|own\d*|watch\d*|p\d+|br0)$/.test(ifname))
      .filter(({ ifalias = "" }) => ifalias === "" || ifalias.startsWith(aliasOf("")))
      .map(({ ifname }) => `device ${ifname}`),
    ...names.stdout.split("\n").filter((name) => /^(test|host|sw|A|B|h\d+)( |$)/.test(name)),
  ];
}

interface Link {
  ifname: string;
  ifalias?: string;
}

function children(): string[] {
  return readdirSync("/proc/self/task")
    .flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" "))
    .filter((pid) => pid !== "")
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/comm`, "utf8").trim()];
      } catch {
        return [];
      }
    });
}
