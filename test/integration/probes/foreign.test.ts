import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { chooseBackend } from "../../../src/probes/backend.ts";
import { NONCE, startProbes } from "../../../src/probes/bpftrace.ts";
import { ForeignProbes } from "../../../src/probes/foreign.ts";
import { EMPTY, programText } from "../../../src/probes/programs.ts";
import { close } from "../../../src/system/libc.ts";
import { openFileSystem } from "../../../src/system/mount.ts";
import { openRouteSocket } from "../../../src/system/netlink.ts";
import { closeNamespace, inNamespace, newNamespace } from "../../../src/system/netns.ts";
import { openPrivateSite } from "../../../src/system/site.ts";
import { skipped } from "../../skipped.ts";
import { type Stranger, stranger } from "./bpftrace.ts";
import { load, onDevice, onRawTracepoint } from "./programs.ts";

/** To whom everything is foreign, this process included. */
const nobody = () => [];

let undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.toReversed()) await one();
  undo = [];
});

function finder(...ours: Parameters<typeof ForeignProbes.open>): ForeignProbes {
  const found = ForeignProbes.open(...ours);
  if (found === null) throw new Error("BPF programs are not ours to see");
  undo.push(() => found.close());
  return found;
}

async function strange(text: string): Promise<Stranger> {
  const one = await stranger(text);
  undo.push(() => one.end());
  return one;
}

function descriptor(fd: number): number {
  undo.push(() => close(fd));
  return fd;
}

/** Other runs' probes may be there as well. */
const seen = (probes: ForeignProbes, ...args: Parameters<ForeignProbes["look"]>) =>
  probes.look(...args).map((key) => probes.describe(key));
const of = (pid: number, found: ReturnType<typeof seen>) => found.filter((one) => one.pid === pid);

describe("somebody's bpftrace", () => {
  it("is named with its process and every tracepoint, when it comes and when it was there before", async () => {
    const early = finder(nobody);
    early.look();
    const one = await strange(
      "tracepoint:net:netif_receive_skb { @a = count(); } tracepoint:bridge:br_fdb_update { @b = count(); } tracepoint:sched:sched_switch { @c = count(); }",
    );
    for (const probes of [early, finder(nobody)]) {
      const found = of(one.pid, seen(probes));
      expect(found.map(({ where }) => where).toSorted()).toEqual([
        "bridge:br_fdb_update",
        "net:netif_receive_skb",
      ]);
      for (const { id, ...rest } of found) {
        expect(id).toBeGreaterThan(0);
        expect(rest).toMatchObject({ type: "tracepoint", process: "bpftrace", container: null });
        expect(rest.name).not.toBe("");
      }
    }
    await one.end();
    expect(of(one.pid, seen(early))).toEqual([]);
  });

  it("elsewhere than on a frame's way is nobody's business", async () => {
    const one = await strange("tracepoint:sched:sched_switch { @ = count(); }");
    expect(of(one.pid, seen(finder(nobody), [], true))).toEqual([]);
  });

  it("whose process nobody sees is found on its tracepoint, and has no process", async () => {
    const one = await strange("tracepoint:skb:consume_skb { @ = count(); }");
    const [known] = of(one.pid, seen(finder(nobody)));
    // Its programs are not taken for ours, and then it is passed over when their holder is looked for.
    const turns: number[][] = [[]];
    const probes = finder(() => turns.shift() ?? [one.pid]);
    const found = seen(probes).find(({ id }) => id === known?.id);
    expect(found).toEqual({ ...known, pid: null, process: null, container: null });
    await one.end();
    expect(seen(probes).some(({ id }) => id === known?.id)).toBe(false);
  });

  it("is not foreign where it is a child of ours, and is to another bridgescope", async () => {
    const site = await openPrivateSite();
    undo.push(() => site.close());
    const backend = await chooseBackend("tracepoint");
    const text = programText(EMPTY, backend);
    const session = await startProbes(site, { ...text, parameters: [NONCE], mapKeys: 16 });
    undo.push(() => session.kill());
    const { pid } = session.child;
    expect(of(pid, seen(finder(), [], true))).toEqual([]);
    expect(of(pid, seen(finder(() => [process.pid])))).toMatchObject([
      { where: "net:netif_receive_skb", process: "bpftrace" },
    ]);
  });
});

describe("programs that are attached by hand", () => {
  it("to a raw tracepoint are found as long as they are", () => {
    const probes = finder(nobody);
    const fd = onRawTracepoint(descriptor(load("raw_tracepoint", "by_hand")), "netif_receive_skb");
    expect(of(process.pid, seen(probes))).toEqual([
      {
        ...{ id: expect.any(Number), name: "by_hand", type: "raw_tracepoint" },
        ...{ where: "net:netif_receive_skb", pid: process.pid, container: null },
        process: readFileSync("/proc/self/comm", "utf8").trim(),
      },
    ]);
    close(fd);
    expect(of(process.pid, seen(probes))).toEqual([]);
  });

  it("to the devices of a lab are found there, and elsewhere are not asked for", ({ skip }) => {
    const namespace = newNamespace("h1");
    undo.push(() => closeNamespace(namespace));
    const socket = openRouteSocket(namespace);
    undo.push(() => socket.close());
    const loopback = 1;
    const probes = finder(nobody);
    const fds = (["xdp", "sched_cls"] as const).map((type) => descriptor(load(type, `on_${type}`)));
    try {
      const [xdp = 0, tc = 0] = fds;
      inNamespace(namespace, () => {
        descriptor(onDevice(xdp, "xdp", loopback));
        descriptor(onDevice(tc, "sched_cls", loopback));
      });
    } catch (error) {
      skipped(skip, `links to devices: ${String(error)}`);
    }
    const places = of(process.pid, seen(probes, [namespace])).map((one) => [one.type, one.where]);
    expect(places.toSorted()).toEqual([
      ["tc", "h1/lo ingress"],
      ["xdp", "h1/lo xdp"],
    ]);
    expect(of(process.pid, seen(probes, []))).toEqual([]);
  });
});

describe("ftrace", () => {
  it("is found in any instance of tracefs, with who reads it, until it is switched off", () => {
    const fd = openFileSystem("tracefs");
    undo.push(() => close(fd));
    const name = `bsf${process.pid}`;
    const folder = `/proc/self/fd/${fd}/instances/${name}`;
    mkdirSync(folder);
    undo.push(() => rmdirSync(folder));
    const probes = finder(nobody);
    const mine = () => seen(probes).filter(({ where }) => where.includes(name));
    expect(mine()).toEqual([]);
    writeFileSync(`${folder}/events/net/netif_rx/enable`, "1");
    writeFileSync(`${folder}/events/sched/sched_switch/enable`, "1");
    expect(mine()).toEqual([
      {
        ...{ id: null, name: "ftrace", type: "ftrace", pid: null, process: null, container: null },
        where: `net:netif_rx (tracefs instance ${name})`,
      },
    ]);
    writeFileSync(`${folder}/events/net/netif_rx/enable`, "0");
    expect(mine()).toEqual([]);
  });
});
