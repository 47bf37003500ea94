/** Every line of init's own on the console begins so. */
export const INIT_SAYS = "bridgescope-guest: ";

/** What init says first: the kernel has come up and found its userland. */
export const UP = `${INIT_SAYS}up`;

export const RESULT_HEAD = "bridgescope-result 1\n";
export const RESULT_END = "bridgescope-end\n";

/** What a kernel may lack; the first two are told by trying, not by looking at a configuration. */
export const ABILITIES = ["bridge", "veth", "btf"] as const;
export type Ability = (typeof ABILITIES)[number];

/**
 * The guest's first and only process: mounts, modules, the job, and its results over the second
 * serial port. dash runs it; each command costs an emulated processor some 50 ms.
 */
export const INIT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin HOME=/root TERM=dumb LC_ALL=C
say() { echo "${INIT_SAYS}$*"; }
uptime() { read -r up rest < /proc/uptime; echo "$up"; }
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
say up after $(uptime) s: $(uname -r)
mkdir -p /dev/pts /dev/shm /out /root /tmp /run
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/netns
ln -sfn /proc/self/fd /dev/fd
# Whatever of these a kernel lacks, the job will say better what it misses.
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
echo bridgescope-guest > /proc/sys/kernel/hostname
# Before any device is made: a bridge that speaks IPv6 is never quiet.
for where in all default; do
  [ -w /proc/sys/net/ipv6/conf/$where/disable_ipv6 ] && echo 1 > /proc/sys/net/ipv6/conf/$where/disable_ipv6
done
lacks=
for type in bridge veth; do
  modprobe -q $type 2>/dev/null && continue
  # Built in, perhaps: without lists of modules only the kernel itself knows.
  if ip link add bsprobe0 type $type 2>/dev/null; then ip link del bsprobe0; else lacks="$lacks $type"; fi
done
modprobe -q -a br_netfilter 8021q 2>/dev/null
[ -r /sys/kernel/btf/vmlinux ] || lacks="$lacks btf"
ip link set lo up
[ -n "$lacks" ] && say this kernel lacks:$lacks
unfit=
for need in $(cat /job/requires); do
  case "$lacks " in *" $need "*) unfit=1;; esac
done
if [ -n "$unfit" ]; then
  code=unfit
  : > /run/stdout
else
  say job begins after $(uptime) s
  sh /job/run < /dev/null > /run/stdout
  code=$?
  say job ended after $(uptime) s with $code
fi
tar -czf /run/result.tgz -C / out -C /run stdout || say its results could not be packed
exec 3<> /dev/ttyS1 || say this kernel has no second serial port for the results
stty raw -echo <&3
{
  printf '${RESULT_HEAD.trim()}\\nexit %s\\nlacks%s\\nbytes %s\\n\\n' "$code" "$lacks" $(stat -c %s /run/result.tgz)
  cat /run/result.tgz
  printf '${RESULT_END.trim()}\\n'
} >&3
exec 3>&-
echo o > /proc/sysrq-trigger
sleep 5
echo b > /proc/sysrq-trigger
sleep 5
`;
