export interface FunctionParameter {
  name: string;
  /** As C writes it, e.g. `struct sk_buff *`. */
  type: string;
  /** N of a kprobe's `argN`; null where the value is on the stack. For a struct by value, its first. */
  register: number | null;
}

/**
 * Signatures as of Linux 5.10, for kernels before 5.11: these have no BTF for modules, and the bridge
 * is a module in all distributions. From net/bridge/br_private.h, br_input.c, br_forward.c, br_fdb.c,
 * br_stp_bpdu.c and drivers/net/veth.c of v5.10; all arguments are integers and pointers, so the place
 * is the register.
 */
const LINUX_5_10: Readonly<Record<string, readonly string[]>> = {
  veth_xmit: ["struct sk_buff * skb", "struct net_device * dev"],
  loopback_xmit: ["struct sk_buff * skb", "struct net_device * dev"],
  br_handle_frame: ["struct sk_buff ** pskb"],
  br_handle_frame_finish: ["struct net * net", "struct sock * sk", "struct sk_buff * skb"],
  br_forward: [
    "const struct net_bridge_port * to",
    "struct sk_buff * skb",
    "bool local_rcv",
    "bool local_orig",
  ],
  __br_forward: ["const struct net_bridge_port * to", "struct sk_buff * skb", "bool local_orig"],
  br_forward_finish: ["struct net * net", "struct sock * sk", "struct sk_buff * skb"],
  br_flood: [
    "struct net_bridge * br",
    "struct sk_buff * skb",
    "enum br_pkt_type pkt_type",
    "bool local_rcv",
    "bool local_orig",
  ],
  br_multicast_flood: [
    "struct net_bridge_mdb_entry * mdst",
    "struct sk_buff * skb",
    "bool local_rcv",
    "bool local_orig",
  ],
  maybe_deliver: [
    "struct net_bridge_port * prev",
    "struct net_bridge_port * p",
    "struct sk_buff * skb",
    "bool local_orig",
  ],
  br_dev_queue_push_xmit: ["struct net * net", "struct sock * sk", "struct sk_buff * skb"],
  br_fdb_update: [
    "struct net_bridge * br",
    "struct net_bridge_port * source",
    "const unsigned char * addr",
    "u16 vid",
    "unsigned long flags",
  ],
  fdb_delete: ["struct net_bridge * br", "struct net_bridge_fdb_entry * f", "bool swdev_notify"],
  br_fdb_find_rcu: ["struct net_bridge * br", "const unsigned char * addr", "__u16 vid"],
  br_pass_frame_up: ["struct sk_buff * skb"],
  br_dev_xmit: ["struct sk_buff * skb", "struct net_device * dev"],
  br_send_bpdu: ["struct net_bridge_port * p", "const unsigned char * data", "int length"],
};

/** null where the table has no such function. */
export function signatureBeforeModuleBtf(name: string): FunctionParameter[] | null {
  return (
    LINUX_5_10[name]?.map((text, register) => {
      const split = text.lastIndexOf(" ");
      return { name: text.slice(split + 1), type: text.slice(0, split), register };
    }) ?? null
  );
}
