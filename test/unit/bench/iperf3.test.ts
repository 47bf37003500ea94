import { describe, expect, it } from "vitest";
import { parseIperf } from "../../../src/bench/workloads/iperf3.ts";
import { ToolError } from "../../../src/system/errors.ts";

describe("parseIperf", () => {
  it("reads the receiver's rate and the client's CPU time", () => {
    const text = JSON.stringify({
      end: {
        sum_received: { bits_per_second: 13.3e9, seconds: 2 },
        cpu_utilization_percent: { host_user: 5, host_system: 45 },
      },
    });
    expect(parseIperf(text)).toEqual({
      metrics: { throughput: 13.3e9 },
      cpu: { userNs: 100e6, systemNs: 900e6 },
    });
  });

  it("hands iperf3's own error on", () => {
    const text = JSON.stringify({ error: "unable to connect to server: Connection refused" });
    expect(() => parseIperf(text)).toThrow(/Connection refused/);
  });

  it.each([
    "",
    "garbage",
    "{}",
    "null",
    JSON.stringify({ end: { sum_received: { bits_per_second: "fast" } } }),
  ])("names the tool for output it does not know: %j", (text) => {
    expect(() => parseIperf(text)).toThrow(ToolError);
    expect(() => parseIperf(text)).toThrow(/iperf3/);
  });
});
