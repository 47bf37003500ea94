import { afterAll, describe, expect, test } from "vitest";
import { checkNetns } from "../../../src/setup/checks/index.ts";
import { bind, close, socket } from "../../../src/system/libc.ts";
import { closeNamespace, inNamespace, openNamespace } from "../../../src/system/netns.ts";
import { hostSite, openPrivateSite, type Site } from "../../../src/system/site.ts";
import { type Break, commands, failed, inSite, leftovers, observed } from "./support.ts";

const FILE = "/run/netns/test";
const NAME_A_NEW_ONE = `unshare --net mount --bind /proc/self/ns/net ${FILE}`;

interface Breakage {
  how: string;
  make: Break;
  /** The check before which it is broken, when that is an earlier one. */
  since?: string;
  reads: string | RegExp;
}

/** For every check of the rung: what makes exactly this one fail, and what it then reads. */
const BREAKS: Record<string, Breakage> = {
  "netns/nsfs-mount": {
    how: "the mount is taken away",
    make: commands(undefined, `umount ${FILE}`, NAME_A_NEW_ONE),
    reads: `no mount on ${FILE}`,
  },
  "netns/empty-file": {
    how: "the file under the mount has something in it",
    make: commands(
      undefined,
      `umount ${FILE}; cp /proc/self/comm ${FILE}; ${NAME_A_NEW_ONE}`,
      "true",
    ),
    reads: "regular file",
  },
  "netns/only-lo": {
    how: "a second device",
    make: commands("test", "ip link add extra type bridge", "ip link del extra"),
    reads: "lo, extra",
  },
  "netns/lo-down": {
    how: "lo was brought up before",
    // The address that lo was given on its way up would stay, and with it a route.
    make: commands("test", "ip link set lo up", "ip link set lo down; ip address flush dev lo"),
    reads: "lo UNKNOWN <LOOPBACK,UP,LOWER_UP>",
  },
  "netns/no-firewall-rules": {
    how: "an nft rule",
    make: commands("test", "nft add table inet foreign", "nft delete table inet foreign"),
    reads: /table inet foreign/,
  },
  "netns/loopback-unreachable": {
    how: "lo was brought up before",
    make: commands("test", "ip link set lo up", "ip link set lo down"),
    reads: /answered after/,
  },
  "netns/loopback-answers": {
    how: "lo goes down again",
    make: commands("test", "ip link set lo down", "ip link set lo up"),
    reads: /0 received|unreachable/,
  },
  "netns/lo-unknown": {
    how: "lo goes down again",
    make: commands("test", "ip link set lo down", "ip link set lo up"),
    reads: "lo DOWN <LOOPBACK>",
  },
  "netns/own-devices": {
    how: "B has a device of that name too",
    make: commands("B", "ip link add own0 type bridge", "ip link del own0"),
    reads: "A: lo, own1, own0; B: lo, own0",
  },
  "netns/own-addresses": {
    how: "B has that address too",
    make: commands("B", "ip address add 192.168.1.1/24 dev lo", "ip address flush dev lo"),
    reads: "A: 192.168.1.1/24; B: 192.168.1.1/24",
  },
  "netns/own-routes": {
    how: "B has that route too",
    make: commands(
      "B",
      "ip link set lo up; ip route add 192.168.2.0/24 dev lo",
      "ip link set lo down",
    ),
    reads: "A: 192.168.1.0/24, 192.168.2.0/24; B: 192.168.2.0/24",
  },
  "netns/own-firewall": {
    how: "B has a rule too",
    make: commands("B", "nft add table inet own", "nft delete table inet own"),
    reads: /B: "table inet own/,
  },
  "netns/same-port": {
    how: "somebody has bound the port in B",
    make: async (site) => {
      const fd = bindPort80(site, "B");
      return async () => close(fd);
    },
    reads: "port 80: bound in A, EADDRINUSE in B, in A again EADDRINUSE",
  },
  "netns/deleted": {
    how: "somebody adds it again",
    make: commands(undefined, "ip netns add test", "ip netns del test"),
    reads: "list: test, B, A; the file is there",
  },
  "netns/reclaimed": {
    how: "somebody else holds the namespace, too",
    since: "netns/same-port",
    make: async (site) => {
      const held = openNamespace(site.netnsFolder, "test");
      return async () => closeNamespace(held);
    },
    reads: /there while the descriptor was open, still there \d+ ms after it was closed/,
  },
};

afterAll(async () => {
  expect(await leftovers()).toEqual([]);
});

test("a healthy machine passes every check, and the site is clean afterwards", () =>
  inSite(async (site) => {
    const checks = await checkNetns(site);
    expect(failed(checks)).toEqual([]);
    expect(checks.map((check) => check.id)).toEqual(Object.keys(BREAKS));
    expect(await site.runOk("ip", ["netns", "list"])).toBe("");
  }));

describe.concurrent("broken on purpose, exactly the right check fails", () => {
  test.for(Object.entries(BREAKS))("%s", ([id, { make, since, reads }], { expect }) =>
    inSite(async (site) => {
      let mend: (() => Promise<unknown>) | undefined;
      const checks = await checkNetns(site, {
        between: async (next) => {
          if (next === (since ?? id)) mend = await make(site);
          return next === id ? mend : undefined;
        },
      });
      expect(failed(checks)).toEqual([id]);
      expect(observed(checks, id)).toMatch(reads);
    }),
  );
});

test("a site that is gone fails every check with what the tools said, and throws nothing", async () => {
  const gone = await openPrivateSite();
  await gone.close();
  const checks = await checkNetns(gone);
  expect(failed(checks)).toEqual(Object.keys(BREAKS));
  expect(observed(checks, "netns/only-lo")).toMatch(/failed with 1: nsenter: cannot open/);
});

test("the host's own names are never used", async () => {
  await expect(checkNetns(hostSite)).rejects.toThrow("private site");
});

test("an abort ends the climb between two steps, and the site is clean", () =>
  inSite(async (site) => {
    const abort = new AbortController();
    const climb = checkNetns(site, {
      signal: abort.signal,
      between: async () => void abort.abort(new Error("enough")),
    });
    await expect(climb).rejects.toThrow("enough");
    expect(await site.runOk("ip", ["netns", "list"])).toBe("");
  }));

function bindPort80(site: Site, name: string): number {
  const namespace = openNamespace(site.netnsFolder, name);
  const fd = inNamespace(namespace, () => socket(2, 1, 0));
  closeNamespace(namespace);
  bind(fd, Buffer.from([2, 0, 0, 80, ...Array(12).fill(0)]));
  return fd;
}
