import { describe, expect, it } from "vitest";
import type { BridgeState, Place } from "../../../../src/bridge/state.ts";
import { type Asked, endsOf } from "../../../../src/explain/journey/ends.ts";
import { chosen } from "../../../../src/explain/journey/find-ends.ts";
import { UsageError } from "../../../../src/system/errors.ts";
import { A, B, bridge, C, entry, GONE, neighbour, overlay, port, remote } from "../bridge.ts";

const asked = (kind: Asked["kind"], text: string, place: Place | null = null): Asked => ({
  ...{ kind, text, place },
  looked: kind === "name" && place === null ? new UsageError(`nothing is called "${text}"`) : null,
});
const namespaceOf = (state: BridgeState, at: number): Place => {
  const peer = state.ports[at]?.peer;
  if (peer == null) throw new Error("no peer");
  return peer.namespace;
};
const portsOf = (state: BridgeState, one: Asked) =>
  endsOf(state, one).map((end) => end.port?.name ?? end.port);

describe("where an end is", () => {
  const state = bridge({ addresses: ["10.77.0.254"] });

  it("is told by a port, a namespace, an IP address or a MAC address alike", () => {
    const place = namespaceOf(state, 0);
    for (const one of [
      asked("name", "pa"),
      asked("name", "port pa"),
      asked("name", "a", place),
      asked("ip", "10.77.0.1"),
      asked("mac", A),
    ]) {
      expect(endsOf(state, one)).toMatchObject([
        { port: { name: "pa" }, devices: [{ name: "eth0" }], macs: [A], ips: ["10.77.0.1"] },
      ]);
    }
  });

  it("is the bridge itself by its name, its address, or its namespace where no port leads there", () => {
    for (const one of [
      asked("name", "br0"),
      asked("ip", "10.77.0.254"),
      asked("mac", state.address),
      asked("name", "host", state.place),
    ]) {
      expect(portsOf(state, one)).toEqual([null]);
    }
  });

  it("is known by the FDB and by neighbours where nobody is seen", () => {
    const far = bridge({ entries: [entry(GONE, "c")], neighbours: [neighbour("10.77.0.9", GONE)] });
    expect(endsOf(far, asked("ip", "10.77.0.9"))).toMatchObject([
      { port: { name: "pc" }, macs: [GONE], ips: ["10.77.0.9"] },
    ]);
    expect(endsOf(bridge(), asked("mac", GONE))).toEqual([]);
    const vxlan = overlay([remote(GONE, "192.0.2.9")]);
    expect(endsOf(vxlan, asked("mac", GONE))).toMatchObject([{ devices: [], remote: "192.0.2.9" }]);
  });
});

describe("which bridge has both ends", () => {
  const state = bridge();
  const other = bridge({ name: "br1", ifindex: 8, ports: [port("c", C)] });
  const message = (states: BridgeState[], from: Asked, to: Asked): string => {
    try {
      chosen(states, [from, to]);
    } catch (error) {
      if (error instanceof UsageError) return error.message;
      throw error;
    }
    return "";
  };

  it("is the one, among several", () => {
    const only = bridge({ ports: [port("a", A), port("b", B)] });
    const found = chosen([other, only], [asked("mac", A), asked("mac", B)]);
    expect([found.state, found.a.macs, found.b.macs]).toEqual([only, [A], [B]]);
  });

  it("is none: each is told where it is", () => {
    const only = bridge({ ports: [port("a", A)] });
    expect(message([only, other], asked("mac", A), asked("mac", C))).toBe(
      `"${A}" and "${C}" are on no common bridge: the first is behind br0, the second behind br1; each of these can be asked about its part of the way`,
    );
  });

  it("is not clear: the bridges are told, and so are two ports of one namespace", () => {
    expect(message([state, { ...state, name: "br1" }], asked("mac", A), asked("mac", B))).toBe(
      `there are several paths between "${A}" and "${B}", by br0 and by br1: say which bridge`,
    );
    const place = namespaceOf(state, 0);
    const [pa, pb] = [port("a", A), port("b", B)];
    const twice = bridge({
      ports: [pa, { ...pb, peer: pb.peer && { ...pb.peer, namespace: place } }, port("c", C)],
    });
    const said = message([twice], asked("name", "a", place), asked("mac", C));
    expect(said).toContain(
      '--from "a" is at 2 places of br0, several paths; say which: "port pa": 10.77.0.1',
    );
    expect(said).toContain('"port pb": 10.77.0.2');
    expect(message([twice], asked("name", "port pa", null), asked("mac", C))).toBe("");
  });

  it("has an end that nobody has: only an IP address can be asked for", () => {
    expect(chosen([state], [asked("mac", A), asked("ip", "10.77.0.9")]).b).toMatchObject({
      ...{ port: undefined, ips: ["10.77.0.9"], macs: [] },
    });
    expect(message([state], asked("mac", A), asked("mac", GONE))).toBe(
      `--to "${GONE}" is not behind br0: no device that is seen there has it, and the FDB has no entry for it`,
    );
    expect(message([state], asked("name", "x"), asked("mac", A))).toBe(
      '--from "x" is no port of br0, and as a namespace: nothing is called "x"',
    );
    expect(message([state], asked("mac", A), asked("ip", "10.77.0.1"))).toContain(
      "are the same end",
    );
  });
});
