/** The tracepoints and functions that a bridged frame passes, by the names and numbers that other people's probes have them by. */
import { readFileSync } from "node:fs";
import { parseBtf } from "./btf.ts";
import { FUNCTION_NAMES } from "./functions.ts";

/** A probe on any of these runs once or more per frame, or per poll of a bridge's frames. */
const TRACEPOINTS: Readonly<Record<string, readonly string[]>> = {
  net: [
    ...["net_dev_queue", "net_dev_start_xmit", "net_dev_xmit"],
    ...["netif_rx", "netif_rx_entry", "netif_rx_exit", "netif_rx_ni_entry"],
    ...["netif_receive_skb", "netif_receive_skb_entry", "netif_receive_skb_exit"],
    ...["netif_receive_skb_list_entry", "netif_receive_skb_list_exit"],
    ...["napi_gro_frags_entry", "napi_gro_frags_exit"],
    ...["napi_gro_receive_entry", "napi_gro_receive_exit"],
  ],
  skb: ["kfree_skb", "consume_skb"],
  bridge: ["br_fdb_add", "br_fdb_external_learn_add", "br_fdb_update", "fdb_delete", "br_mdb_full"],
  napi: ["napi_poll"],
  qdisc: ["qdisc_enqueue", "qdisc_dequeue"],
};

/** `net:netif_rx` by `netif_rx`: a tracepoint's own name has no category, and no two share one. */
const BY_NAME = new Map(
  Object.entries(TRACEPOINTS).flatMap(([category, names]) =>
    names.map((name) => [name, `${category}:${name}`] as const),
  ),
);

/** As ftrace and bpftrace call them. */
export const FRAME_TRACEPOINTS: readonly string[] = [...BY_NAME.values()];

/** Functions that every frame passes besides those that we probe ourselves, from veth_xmit to the next veth's receive. */
const MORE_FUNCTIONS: readonly string[] = [
  ...["dev_queue_xmit", "__dev_queue_xmit", "dev_hard_start_xmit", "validate_xmit_skb"],
  ...["__dev_forward_skb", "__dev_forward_skb2", "eth_type_trans", "__netif_rx", "netif_rx"],
  ...["netif_rx_internal", "enqueue_to_backlog", "net_rx_action", "__napi_poll", "process_backlog"],
  ...["__netif_receive_skb", "__netif_receive_skb_core", "__netif_receive_skb_one_core"],
  ...["netif_receive_skb", "netif_receive_skb_list_internal", "__netif_receive_skb_list_core"],
  ...["__alloc_skb", "skb_clone", "consume_skb", "kfree_skb", "kfree_skb_reason"],
  ...["sk_skb_reason_drop", "__kfree_skb", "skb_release_data", "kfree_skbmem", "packet_rcv"],
  ...["nf_hook_slow", "br_nf_pre_routing", "br_nf_forward_ip", "br_nf_post_routing"],
  ...["ip_rcv", "ip_rcv_core", "ip_local_deliver", "ip_output", "ip_finish_output2"],
  ...["br_handle_vlan", "br_multicast_rcv", "fdb_find_rcu", "veth_poll", "veth_xdp_rcv"],
];

const FUNCTIONS: ReadonlySet<string> = new Set([...FUNCTION_NAMES, ...MORE_FUNCTIONS]);

/** `net:netif_rx`, by the tracepoint's own name; null where it is not on a frame's way. */
export function frameTracepoint(name: string): string | null {
  return BY_NAME.get(name) ?? null;
}

/** Whether a frame passes it; also what the compiler made of it (`br_flood.constprop.0`). */
export function isFrameFunction(name: string): boolean {
  return FUNCTIONS.has(name.replace(/\..*$/, ""));
}

const byBtf = new Map<string, ReadonlyMap<number, string>>();

/** The function on a frame's way that has that number in the BTF of the kernel (`vmlinux`) or a module; null for others. */
export function functionInBtf(home: string, number: number): string | null {
  const known = byBtf.get(home) ?? readIds(home);
  byBtf.set(home, known);
  return known.get(number) ?? null;
}

/** Empty where that BTF cannot be read. */
function readIds(home: string): ReadonlyMap<number, string> {
  try {
    const read = (name: string) => readFileSync(`/sys/kernel/btf/${name}`);
    const kernel = parseBtf(read("vmlinux"), FUNCTIONS);
    const btf = home === "vmlinux" ? kernel : parseBtf(read(home), FUNCTIONS, kernel);
    return new Map(
      [...FUNCTIONS].flatMap((name) => {
        const id = btf.func(name)?.id;
        return id === undefined ? [] : [[id, name] as const];
      }),
    );
  } catch {
    return new Map();
  }
}

/** Those of the functions on a frame's way that begin at one of these addresses; none where kallsyms hides addresses. */
export function functionsAt(addresses: readonly bigint[]): string[] {
  const wanted = new Set(addresses);
  return kallsyms()
    .split("\n")
    .flatMap((line) => {
      const [, address, name] = /^([0-9a-f]+) [tT] (\S+)/.exec(line) ?? [];
      if (address === undefined || name === undefined || !isFrameFunction(name)) return [];
      return wanted.has(BigInt(`0x${address}`)) ? [name] : [];
    });
}

function kallsyms(): string {
  try {
    return readFileSync("/proc/kallsyms", "latin1");
  } catch {
    return "";
  }
}
