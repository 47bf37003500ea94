/** FDB events as a person reads them. */
import { expect, test } from "vitest";
import type { FdbEvent } from "../../../../src/document/watch.ts";
import { eventLines } from "../../../../src/report/watch/events.ts";

const nothing = {
  ...{ source: null, destination: null, sourcePort: null, destinationPort: null, target: null },
};

function event(over: Partial<FdbEvent> = {}): FdbEvent {
  return {
    ...{ time: "2026-11-27T05:59:59.512Z", event: "learned", address: "02:00:00:00:00:01" },
    ...{ vlan: 0, port: "pb", from: null, by: "kernel", taught: null, migration: null },
    ...over,
  };
}

const line = (taught: Partial<NonNullable<FdbEvent["taught"]>>) =>
  eventLines(event({ taught: { protocol: "RARP", ...nothing, ...taught } }))[0]?.split("pb: ")[1];

test("an event says where the address is and who asked for that", () => {
  expect(eventLines(event())).toEqual(["05:59:59.5 02:00:00:00:00:01 learned behind pb"]);
  expect(eventLines(event({ event: "added", by: "bridge (pid 7)", vlan: 5 }))).toEqual([
    "05:59:59.5 02:00:00:00:00:01 VLAN 5 added behind pb by bridge (pid 7)",
  ]);
});

test("an event says what taught it", () => {
  expect(line({})).toBe("RARP");
  const own = { source: "10.0.0.1", target: "10.0.0.1" };
  expect(line({ protocol: "gratuitous ARP", ...own })).toBe("gratuitous ARP of 10.0.0.1");
  expect(line({ protocol: "ARP probe", target: "10.0.0.1" })).toBe("ARP probe for 10.0.0.1");
  expect(line({ protocol: "ARP request", source: "10.0.0.1", target: "10.0.0.2" })).toBe(
    "ARP request of 10.0.0.1 for 10.0.0.2",
  );
  expect(line({ protocol: "IPv6 DAD", target: "fd77::2" })).toBe("IPv6 DAD for fd77::2");
  const between = { source: "fd77::1", destination: "fd77::2" };
  expect(line({ protocol: "UDP", ...between, sourcePort: 53, destinationPort: 4711 })).toBe(
    "UDP [fd77::1]:53 to [fd77::2]:4711",
  );
  expect(line({ protocol: "VRRP", source: "10.0.0.1", destination: "224.0.0.18" })).toBe(
    "VRRP 10.0.0.1 to 224.0.0.18",
  );
});

test("a migration has its last frame, its first one, the gap, and what taught it", () => {
  const moved = event({
    ...{ event: "moved", from: "pa" },
    taught: { protocol: "gratuitous ARP", ...nothing, source: "10.0.0.1", target: "10.0.0.1" },
    migration: {
      ...{ from: "pa", to: "pb", gapSeconds: 0.512 },
      lastFrom: "2026-11-27T05:59:59.000Z",
      firstTo: "2026-11-27T05:59:59.512Z",
    },
  });
  expect(eventLines(moved)).toEqual([
    "05:59:59.5 02:00:00:00:00:01 moved from pa to pb: gratuitous ARP of 10.0.0.1",
    "  last frame by pa 05:59:59.000, first by pb 05:59:59.512, a gap of 512 ms",
  ]);
});
