/** Overlays of several hosts as their agents lay them out: each host's stack is a namespace, and one wire joins them. */

/**
 * Shell for a stage. `underlay HOST NUMBER` is a host with 198.18.1.NUMBER on the wire; `vxlan HOST NUMBER AT DEVICE VNI
 * OPTION…` makes a VXLAN device there and moves it to AT; `far HOST NUMBER OPTION…` is one whose overlay has the container
 * x-HOST with 10.77.0.1NUMBER.
 */
export const OVERLAY = `
home wire; ip -n wire link add sw type bridge; ip -n wire link set sw up
underlay() {
  home u-$1
  ip -n wire link add w-$1 type veth peer name eth0 netns u-$1
  ip -n wire link set w-$1 master sw up
  ip -n u-$1 addr add 198.18.1.$2/24 dev eth0; ip -n u-$1 link set eth0 up
}
vxlan() {
  host=$1; number=$2; at=$3; device=$4; vni=$5; shift 5
  ip -n u-$host link add $device type vxlan id $vni dstport 4789 local 198.18.1.$number "$@"
  ip -n u-$host link set $device netns $at
}
far() {
  name=$1; number=$2; shift 2
  underlay $name $number; home o-$name; home x-$name
  vxlan $name $number o-$name vxlan0 4097 "$@"
  ip -n o-$name link add br1 type bridge
  ip -n o-$name link set vxlan0 mtu 1450 master br1 up; ip -n o-$name link set br1 up
  ip -n o-$name link add veth1 type veth peer name eth0 mtu 1450 address 02:00:00:00:0d:1$number netns x-$name
  ip -n o-$name link set veth1 mtu 1450 master br1 up
  ip -n x-$name addr add 10.77.0.1$number/16 dev eth0; ip -n x-$name link set eth0 up
}
`;

/** As Docker makes its devices: they answer for neighbours themselves, and tell of what they miss. */
export const DOCKER = "learning proxy l2miss l3miss";

/** The address of the container at B. */
export const FAR = "02:00:00:00:0d:12";

/** This host's bridge is a Docker overlay's of VNI 4097, and so is that of B, with a container x-B. Both have whole entries. */
export const WHOLE = `${OVERLAY}
underlay A 1; vxlan A 1 1 vxlan0 4097 ${DOCKER}
ip link set vxlan0 mtu 1450 master br0 up
far B 2 ${DOCKER}
ip neigh replace 10.77.0.12 lladdr ${FAR} dev vxlan0 nud permanent
bridge fdb replace ${FAR} dev vxlan0 master static
bridge fdb replace ${FAR} dev vxlan0 dst 198.18.1.2 self permanent
ip -n o-B neigh replace 10.77.0.1 lladdr 02:00:00:00:0d:01 dev vxlan0 nud permanent
bridge -n o-B fdb replace 02:00:00:00:0d:01 dev vxlan0 master static
bridge -n o-B fdb replace 02:00:00:00:0d:01 dev vxlan0 dst 198.18.1.1 self permanent
wait_for "at a ping -q -c 1 -W 1 10.77.0.12 > /dev/null"
`;
