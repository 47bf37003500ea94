import { expect, test } from "vitest";
import { bpftraceReason } from "../../../src/probes/function-try.ts";

// As printed by the versions named, in guests and on a machine that refuses function probes.
test.each([
  [
    "0.17, fentry refused",
    'ERROR: Unknown error -1: couldn\'t set RLIMIT_MEMLOCK for bpftrace. If your program is not loading, you can try "ulimit -l 8192" to fix the problem\nstdin:1:1-16: ERROR: kfunc/kretfunc not available for your kernel version.\nkfunc:veth_xmit { } BEGIN { exit() }\n~~~~~~~~~~~~~~~\n',
    "kfunc/kretfunc not available for your kernel version",
  ],
  [
    "0.17, no kprobes",
    "stdin:1:1-17: WARNING: veth_xmit is not traceable (either non-existing, inlined, or marked as \"notrace\"); attaching to it will likely fail\nkprobe:veth_xmit { } BEGIN { exit() }\n~~~~~~~~~~~~~~~~\ncreate_probe_event: open(/sys/kernel/tracing/kprobe_events): No such file or directory\nERROR: Error attaching probe: 'kprobe:veth_xmit'\nAttaching 2 probes...\n",
    "create_probe_event: open(/sys/kernel/tracing/kprobe_events): No such file or directory",
  ],
  [
    "0.17, another word for fentry",
    "FATAL: Invalid probe type made it to attachpoint parser\n",
    "Invalid probe type made it to attachpoint parser",
  ],
  [
    "0.23, no BTF for the module",
    "Attaching 2 probes...\n\u001b[31mERROR: No BTF found for bridge:br_handle_frame_finish\u001b[0m\n",
    "No BTF found for bridge:br_handle_frame_finish",
  ],
  [
    "0.23, no such function",
    '\u001b[33mstdin:1:18-33: WARNING: no_such is not traceable (either non-existing, inlined, or marked as "notrace"); attaching to it will likely fail\n\u001b[0mBEGIN { exit(); } kprobe:no_such { }\n                 ~~~~~~~~~~~~~~~\nAttaching 2 probes...\ncannot attach kprobe, probe entry may not exist\n\u001b[31mERROR: Error attaching probe: kprobe:no_such\u001b[0m\n',
    "cannot attach kprobe, probe entry may not exist",
  ],
  [
    "only that it failed",
    "ERROR: Error attaching probe: kprobe:no_such\n",
    "Error attaching probe: kprobe:no_such",
  ],
  ["nothing", "Attaching 2 probes...\n\n", null],
  ["what must not reach a terminal", "ERROR: \u0007\u0001bad\n", "\\x07\\x01bad"],
])("the reason is told from what bpftrace prints: %s", (_, output, reason) => {
  expect(bpftraceReason(output)).toBe(reason);
});
