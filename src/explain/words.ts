/**
 * What ip, bridge, tc, nft, iptables-save and the kernel call their own things: keys, flags, kinds, states, protocols.
 * A word that stands in no manual was chosen by somebody, and may say who.
 */
export const WORDS: ReadonlySet<string> = new Set([
  ...["Egress Untagged", "ct helper", "ct timeout", "ct expectation", "ct count"],
  ...["tcp option", "ip option", "sctp chunk"],
  ...`
    ifindex ifname flags mtu qdisc operstate linkmode group txqlen qlen link_type address broadcast promiscuity
    allmulti min_mtu max_mtu inet6_addr_gen_mode num_tx_queues num_rx_queues numtxqueues numrxqueues gso_max_size
    gso_max_segs tso_max_size tso_max_segs gro_max_size gso_ipv4_max_size gro_ipv4_max_size headroom tailroom
    netns-immutable stats64 stats rx tx bytes packets errors dropped over_errors multicast carrier_errors collisions
    length_errors crc_errors frame_errors fifo_errors missed_errors aborted_errors window_errors heartbeat_errors
    carrier_changes nohandler otherhost compressed link link_index link_netnsid linkinfo info_kind info_slave_kind
    info_data info_slave_data info_xstats master ifalias altnames perm_hwaddr permaddr parentbus parentdev
    phys_port_id phys_port_name phys_switch_id proto_down xdp attached mode prog id tag jited user persist type pi
    vnet_hdr multi_queue family local peer prefixlen scope label valid_life_time preferred_life_time addr_info
    dynamic temporary tentative deprecated secondary mngtmpaddr noprefixroute nodad optimistic dadfailed permanent
    dst src gateway via dev table protocol prefsrc metric metrics pref nexthops nexthop weight encap nhid host
    lladdr used confirmed updated probes state router proxy extern_learn extern_valid managed offload refcnt mac
    vlan vid vlanEnd vlans dst_port port vni viaIf viaIfIndex linkNetNsId self sticky locked added_by_user
    forward_delay hello_time max_age ageing_time stp_state stp_mode priority vlan_filtering vlan_protocol bridge_id
    root_id root_port root_path_cost topology_change topology_change_detected hello_timer tcn_timer
    topology_change_timer gc_timer vlan_default_pvid vlan_stats_enabled vlan_stats_per_port group_fwd_mask
    group_fwd_mask_str group_addr mcast_snooping no_linklocal_learn mcast_vlan_snooping mst_enabled mcast_router
    mcast_query_use_ifaddr mcast_querier mcast_hash_elasticity mcast_hash_max mcast_last_member_cnt
    mcast_last_member_count mcast_startup_query_cnt mcast_startup_query_count mcast_last_member_intvl
    mcast_last_member_interval mcast_membership_intvl mcast_membership_interval mcast_querier_intvl
    mcast_querier_interval mcast_query_intvl mcast_query_interval mcast_query_response_intvl
    mcast_query_response_interval mcast_startup_query_intvl mcast_startup_query_interval mcast_stats_enabled
    mcast_igmp_version mcast_mld_version mcast_querier_state_ipv4 mcast_querier_state_ipv6 mcast_querier_ipv4_addr
    mcast_querier_ipv4_port mcast_querier_ipv4_other_timer mcast_querier_ipv6_addr mcast_querier_ipv6_port
    mcast_querier_ipv6_other_timer mcast_n_groups mcast_max_groups nf_call_iptables nf_call_ip6tables
    nf_call_arptables fdb_n_learned fdb_max_learned fdb_local_vlan_0 mdb_offload_fail_notification cost hairpin
    guard root_block fastleave learning learning_sync flood no designated_port designated_cost designated_bridge
    designated_root hold_timer message_age_timer forward_delay_timer topology_change_ack config_pending proxy_arp
    proxy_arp_wifi multicast_router mcast_flood bcast_flood mcast_to_unicast neigh_suppress neigh_vlan_suppress
    neigh_forward_grat vlan_tunnel isolated mab backup_port backup_nhid fastpath mst msti hwmode index grp timer
    filter_mode source_list mdb include exclude blocked temp remote remote6 local6 group6 port_range low high ttl
    tos df ageing udp_csum udp_zero_csum6_tx udp_zero_csum6_rx external collect_metadata noproxy rsc l2miss l3miss
    limit gbp gpe localbypass vnifilter label_policy macaddr_count macaddr_data bcqueuelen usedbcqueuelen bond
    miimon updelay downdelay active_slave primary mii_status ad_info aggregator num_ports xmit_hash_policy min_links
    lacp_rate all_slaves_active kind handle parent root options drops overlimits requeues backlog rate burst lat
    latency bands priomap multiqueue bandwidth quantum flows target interval memory_limit ecn maxpacket
    drop_overlimit new_flow_count ecn_mark new_flows_len old_flows_len r2q default direct_packets_stat direct_qlen
    ceil cburst lended borrowed giants tokens ctokens offloaded ingress_block egress_block

    UP DOWN LOWER_UP NO-CARRIER M-DOWN LOOPBACK BROADCAST POINTOPOINT MULTICAST NOARP ALLMULTI PROMISC MASTER SLAVE
    DEBUG DYNAMIC AUTOMEDIA PORTSEL NOTRAILERS DORMANT ECHO UNKNOWN LOWERLAYERDOWN NOTPRESENT TESTING DEFAULT
    INCOMPLETE REACHABLE STALE DELAY PROBE FAILED PERMANENT NONE PVID ether loopback none eui64 stable_secret random
    unset set inherit site global nowhere veth bridge vxlan geneve macvlan macvtap ipvlan ipvtap ifb dummy tun tap
    vrf team bond_slave bridge_slave gre gretap ip6gretap erspan wireguard device tunnel can nlmon hsr openvswitch
    private vepa passthru noqueue noop pfifo pfifo_fast bfifo mq fq fq_codel codel sfq tbf htb hfsc prio ingress
    clsact netem cake red disabled listening forwarding blocking unicast anycast blackhole unreachable prohibit
    throw kernel boot static ra dhcp redirect zebra bird babel bgp ospf isis rip eigrp keepalived main medium
    incomplete reachable stale delay probe failed noarp learned 802.1Q 802.1ad on off true false temp_query

    name features count from to users scrub peer_policy peer_scrub netkit vlan_list vnis stp family_index ifa_flags
    nopromisc nodst noroute uid ver vf vfinfo_list trust spoofchk queue_id query_rss_en link_state max_tx min_tx
    tx_rate tx_bytes tx_packets tx_errors tx_drops tx_pkts rx_bytes rx_packets rx_errors rx_drops rx_pkts rx_bpdu
    tx_bpdu rx_tcn tx_tcn transition_blk transition_fwd igmp_queries igmp_reports igmp_leaves mld_queries
    mld_reports mld_leaves rx_v1 rx_v2 rx_v3 tx_v1 tx_v2 tx_v3 igmp_parse_errors mld_parse_errors src_vni
    reserved_bits split_gso inner_proto_inherit ttl-propogate qos use_carrier arp_interval arp_missed_max
    arp_validate arp_all_targets arp_ip_target ns_ip6_target primary_reselect fail_over_mac resend_igmp
    num_peer_notif packets_per_slave lp_interval tlb_dynamic_lb ad_lacp_active ad_lacp_rate ad_select
    ad_aggregator_id ad_actor_sys_prio ad_actor_system ad_user_port_key ad_actor_oper_port_state
    ad_partner_oper_port_state actor_key partner_key partner_mac peer_notify_delay link_failure_count 802.3ad
    balance-rr active-backup balance-xor balance-tlb balance-alb BACKUP ACTIVE fast slow layer2 layer3+4 layer2+3
    encap3+4 stable always failure current mpu overhead linklayer peakrate minburst ce_threshold drop_batch
    drop_overmemory maxrate initial_quantum throttled buckets flow_limit low_rate_threshold refill_delay timer_slack
    horizon horizon_drop orphan_mask tc queues sw_bytes sw_packets hw_bytes hw_packets GVRP MVRP REORDER_HDR
    LOOSE_BINDING BRIDGE_BINDING unspec gated mrt dnrouted xorp ntk installed last_used first_used replaced notify
    miss ip6tables iptables ebtables linklocal enabled edgeport rr l2 l3 l3s both in_pkts_ok strict loose SMP
    PREEMPT PREEMPT_DYNAMIC PREEMPT_RT

    nftables metainfo per burst_unit rate_unit used_unit val_unit classid cgroup ftp tftp ibridgename obridgename
    num performance memory flush syn_sent close close_wait minutes version release_name json_schema_version chain
    rule map element flowtable counter quota secmark synproxy meter hook policy comment expr elem val match op left
    right payload field meta key ct jump goto accept drop return continue queue verdict vmap prefix addr len range
    concat log snat dnat masquerade reject expires timeout inv unit over until constant auto-merge typeof size
    gc-interval stmt fib result exthdr osf socket rt numgen jhash symhash offset mod seed xfrm ipsec mangle value
    level snaplen queue-threshold all notrack dup fwd tproxy fully-random persistent fanout bypass cgroupv2 mark
    l3proto l4proto nfproto length iif iifname iiftype iifgroup oif oifname oiftype oifgroup ibrname obrname
    ibriport obriport ibrvproto ibrpvid pkttype skuid skgid rtclassid cpu nftrace secpath hour day time sdif
    sdifname inet arp netdev ip ip6 ip4 ipv4 ipv6 inet6 tcp udp udplite icmp icmpv6 ipv6-icmp icmpx sctp dccp esp ah
    comp th igmp saddr daddr sport dport dscp frag-off hdrlength checksum sequence ackseq doff window urgptr
    operation htype hlen hplen ptype pcp dei cfi code nexthdr flowlabel hoplimit request reply syn ack fin rst psh
    urg new established related invalid untracked status direction original expectation helper zone ipv4_addr
    ipv6_addr ether_addr inet_proto inet_service ether_type icmp_type icmpv6_type ct_state base prerouting input
    forward output postrouting egress filter nat route raw security broute second minute week kbytes mbytes
    port-unreachable host-unreachable net-unreachable admin-prohibited no-route addr-unreachable tcp-reset reset
    emerg alert crit err warn notice info debug audit add update delete echo-request echo-reply
    destination-unreachable time-exceeded packet-too-big nd-neighbor-solicit nd-neighbor-advert nd-router-solicit
    nd-router-advert mld-listener-query mld-listener-report in == != < > <= >= & | ^ << >> ll nh xt

    INPUT OUTPUT FORWARD PREROUTING POSTROUTING BROUTING ACCEPT DROP RETURN REJECT MASQUERADE SNAT DNAT REDIRECT LOG
    MARK CONNMARK CT NOTRACK TCPMSS CHECKSUM NFLOG NFQUEUE TPROXY NETMAP SET QUEUE CONTINUE addrtype conntrack
    multiport physdev hashlimit iprange tcpmss statistic recent u32 owner string RELATED ESTABLISHED NEW INVALID
    UNTRACKED LOCAL UNICAST SYN ACK FIN RST PSH URG icmp-port-unreachable icmp-host-unreachable icmp-net-unreachable
    icmp-host-prohibited icmp-admin-prohibited icmp6-port-unreachable icmp6-adm-prohibited IPv4 IPv6 ARP 802_1Q
    LENGTH Broadcast Multicast Unicast

    unknownUnicast bridge-gone IP ICMP IGMP TCP UDP ICMPv6 pid Linux utility iproute2 libbpf x86_64 aarch64 riscv64 loongarch64
    ppc64le amd64 arm64 generic cloud lts
  `
    .trim()
    .split(/\s+/),
]);
