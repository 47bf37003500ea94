import { describe, expect, it } from "vitest";
import { parseFdinfo, probeName } from "../../../src/probes/statistics.ts";

describe("program statistics", () => {
  it("knows a program under bpftrace's old, cut names and its new ones", () => {
    expect(probeName("netif_receive_s")).toBe("net:netif_receive_skb");
    expect(probeName("tracepoint_net_netif_receive_skb_2")).toBe("net:netif_receive_skb");
    expect(probeName("sys_enter_sched")).toBe("syscalls:sys_enter_sched_get_priority_max");
    expect(probeName("tracepoint_bridge_fdb_delete_8")).toBe("bridge:fdb_delete");
    expect(probeName("BEGIN_1")).toBe("BEGIN_1");
  });

  it("reads fdinfo as the kernel writes it", () => {
    // Linux 6.18, a tracepoint program
    const info = parseFdinfo(
      "pos:\t0\nflags:\t02000002\nprog_type:\t5\nprog_jited:\t1\nprog_tag:\t6eb900cd7c54d6c5\nprog_id:\t201\nrun_time_ns:\t42458183\nrun_cnt:\t80007\nrecursion_misses:\t0\n",
    );
    expect(info.get("prog_id")).toBe("201");
    expect(info.get("run_time_ns")).toBe("42458183");
    expect(info.get("map_id")).toBeUndefined();
  });
});
