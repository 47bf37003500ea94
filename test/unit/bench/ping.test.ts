import { describe, expect, it } from "vitest";
import { parsePing } from "../../../src/bench/workloads/ping.ts";

// iputils 20221126 (Debian 12)
const BOOKWORM = `PING 198.18.0.2 (198.18.0.2) 56(84) bytes of data.
64 bytes from 198.18.0.2: icmp_seq=1 ttl=64 time=1.15 ms
64 bytes from 198.18.0.2: icmp_seq=2 ttl=64 time=0.076 ms
64 bytes from 198.18.0.2: icmp_seq=3 ttl=64 time=0.069 ms

--- 198.18.0.2 ping statistics ---
3 packets transmitted, 3 received, 0% packet loss, time 203ms
rtt min/avg/max/mdev = 0.069/0.431/1.150/0.507 ms
`;

describe("parsePing", () => {
  it("keeps every round trip in nanoseconds", () => {
    expect(parsePing(BOOKWORM)).toMatchObject({
      sent: 3,
      received: 3,
      elapsedNs: 203e6,
      rttNs: [1_150_000, 76_000, 69_000],
    });
  });

  it("takes the last printed digit for the width of a bucket", () => {
    expect(parsePing(BOOKWORM)?.buckets).toEqual([
      [69_000, 70_000, 1],
      [76_000, 77_000, 1],
      [1_150_000, 1_160_000, 1],
    ]);
  });

  it("counts what was lost, duplicates and errors included", () => {
    const text = `From 198.18.0.1 icmp_seq=1 Destination Host Unreachable

--- 198.18.0.9 ping statistics ---
4 packets transmitted, 0 received, +1 errors, 100% packet loss, time 3050ms
pipe 4`;
    expect(parsePing(text)).toMatchObject({ sent: 4, received: 0, rttNs: [], buckets: [] });
  });

  it("never divides by the zero milliseconds of a short flood", () => {
    const text = "2 packets transmitted, 2 received, 0% packet loss, time 0ms";
    expect(parsePing(text)?.elapsedNs).toBe(1e6);
  });

  it("takes output without a summary for no result", () => {
    expect(parsePing("ping: connect: Network is unreachable\n")).toBeNull();
    expect(parsePing("")).toBeNull();
  });
});
