import { beforeAll, describe, expect, test } from "vitest";
import { cannot } from "../skipped.ts";
import { inGuest, KERNELS, whyNoGuests } from "./guest.ts";
import type { WatchReport } from "./watch.ts";

const lacking = await whyNoGuests(KERNELS);
const without = cannot("watch and explain by the bridge's functions, in guests", lacking);

describe.skipIf(without).for(KERNELS)("%s", (kernel) => {
  let report: WatchReport;
  beforeAll(async () => {
    report = await inGuest<WatchReport>(kernel, "watch-main", {}, "icount");
    const { veth, forward } = report;
    process.stdout.write(
      `instructions per frame: ${JSON.stringify({ kernel, veth, forward })}\n${JSON.stringify(report.counted)}\n`,
    );
  });

  test("a frame that no bridge handles takes no instruction more under watch's function probes", () => {
    const { veth } = report;
    for (const side of ["fentry", "kprobe"] as const) {
      // Node and the socket that takes the frames in vary by some ten; the least program takes hundreds.
      expect(Math.abs(veth[side] - veth.none), side).toBeLessThan(30);
    }
    // By tracepoints it does, so this measures what it says.
    expect(veth.tracepoint - veth.none).toBeGreaterThan(50);
  });

  test("a forwarded frame takes fewer by functions than by tracepoints", () => {
    const { forward } = report;
    expect(forward.fentry).toBeGreaterThan(forward.none + 100);
    expect(forward.fentry).toBeLessThan(forward.tracepoint);
  });

  test("all backends count the same of the same frames", () => {
    const { fentry, kprobe, tracepoint } = report.counted;
    expect(fentry).toEqual(tracepoint);
    expect(kprobe).toEqual(tracepoint);
    expect(tracepoint.pa?.decisions).toMatchObject({ knownUnicast: 30, unknownUnicast: 30 });
    const lost = [tracepoint.pb, tracepoint.pc].flatMap((port) => port?.dropped ?? []);
    const behind = lost.filter(({ where }) => /backlog|netif_rx/.test(where));
    expect(behind.reduce((all, { count }) => all + count, 0)).toBe(10);
    // To its own port, and to a group that nobody joined.
    expect(tracepoint.pb?.decisions?.filtered).toBe(5 + 7);
    expect(tracepoint.pc?.decisions?.local).toBe(9);
    expect([tracepoint.pb?.learned, tracepoint.pc?.moved]).toEqual([1, 1]);
    expect(tracepoint.br0?.ingress).toBeGreaterThanOrEqual(3);
  });

  test("an address that is followed is heard at its first port and then at the other, by frames that teach it", () => {
    const frame = { protocol: "UDP", destination: "239.1.2.3", isFirst: true };
    expect(report.lessons).toEqual([
      { port: "pb", ...frame, before: null },
      { port: "pc", ...frame, before: "pb" },
    ]);
  });

  test("explain finds the same flood and the same loss by all of them, and none of a port that joined meanwhile", () => {
    // To pb, pc and the port that joined.
    const flood = { kind: "flood", cause: "never-learned", frames: 200, copies: 600 };
    const lost = { kind: "policy", cause: "link-local", frames: 200, copies: 0 };
    const { fentry, kprobe, tracepoint } = report.explained;
    const both = [flood, lost];
    expect({ fentry, kprobe, tracepoint }).toEqual({
      fentry: both,
      kprobe: both,
      tracepoint: both,
    });
  });
});
