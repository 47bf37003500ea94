/** Which frames a tap takes, as classic BPF: those between two ends, and what asks for either by ARP or IPv6. */
import { isIPv4 } from "node:net";
import { run } from "../../system/command.ts";
import { PrerequisiteError, UsageError } from "../../system/errors.ts";
import { ipBytes } from "../../system/neighbours.ts";
import type { Instruction } from "../../system/packet-tap.ts";
import { macBytes } from "../../text/mac-address.ts";
import { printable } from "../../text/printable.ts";

/** What frames of an end carry: any of these is enough. */
export interface EndAddresses {
  macs: readonly string[];
  ips: readonly string[];
}

/** Every program has to be within BPF_MAXINSNS (4,096); twice eight addresses take some 300 instructions. */
export const MOST_ADDRESSES = 32;

// linux/filter.h and linux/bpf_common.h
const LD_W = 0x20;
const LD_H = 0x28;
const LD_B = 0x30;
const JA = 0x05;
const JEQ = 0x15;
const JSET = 0x45;
const RET = 0x06;

const TYPE_AT = 12;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ARP = 0x0806;
const ICMP6 = 58;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;

/** Written with names of places, and put together at the end: jumps that may be far are BPF_JA, whose distance has no limit. */
type Line = Instruction | { to: string } | { label: string };

/**
 * A program that returns `snap` for frames from one end to the other, in either direction, if `only` takes them too, and
 * for ARP and neighbour discovery of both whatever `only` says.
 */
export function flowProgram(
  a: EndAddresses,
  b: EndAddresses,
  only: readonly Instruction[] | null,
  snap: number,
): Instruction[] {
  const lines: Line[] = [
    ...a.macs.flatMap((mac) => ifMac(6, mac, "from a")),
    ...b.macs.flatMap((mac) => ifMac(6, mac, "from b")),
    ...ifIps(26, 22, a.ips, "from a"),
    ...ifIps(26, 22, b.ips, "from b"),
    { to: "reject" },
    ...toEnd("from a", b),
    ...toEnd("from b", a),
    { label: "group" },
    ...ifAsking("take"),
    { to: "reject" },
    { label: "accept" },
    ...ifAsking("take"),
    { to: "only" },
    { label: "take" },
    [RET, 0, 0, snap],
    { label: "reject" },
    [RET, 0, 0, 0],
    { label: "only" },
    ...(only === null ? [[RET, 0, 0, snap] as const] : only.map((one) => snapped(one, snap))),
  ];
  return assembled(lines);
}

/** The same of frames within VXLAN that go to a UDP port, over IPv4 (without options) or IPv6. */
export function withinVxlan(program: readonly Instruction[], port: number): Instruction[] {
  const inner = (base: number) => program.map((one) => rebased(one, base));
  return assembled([
    [LD_H, 0, 0, TYPE_AT],
    [JEQ, 1, 0, IPV4],
    { to: "6" },
    [LD_B, 0, 0, 14],
    [JEQ, 0, 5, 0x45],
    [LD_B, 0, 0, 23],
    [JEQ, 0, 3, UDP],
    [LD_H, 0, 0, 36],
    [JEQ, 0, 1, port],
    { to: "inner 4" },
    { to: "reject" },
    { label: "6" },
    [JEQ, 0, 5, IPV6],
    [LD_B, 0, 0, 20],
    [JEQ, 0, 3, UDP],
    [LD_H, 0, 0, 56],
    [JEQ, 0, 1, port],
    { to: "inner 6" },
    { label: "reject" },
    [RET, 0, 0, 0],
    { label: "inner 4" },
    ...inner(VXLAN_OVER_IPV4),
    { label: "inner 6" },
    ...inner(VXLAN_OVER_IPV6),
  ]);
}

const UDP = 17;
/** Where the frame within begins: behind Ethernet, IP, UDP and VXLAN. */
export const VXLAN_OVER_IPV4 = 14 + 20 + 8 + 8;
export const VXLAN_OVER_IPV6 = 14 + 40 + 8 + 8;

/** tcpdump's expression as it compiles it. A UsageError has its own words where it refuses. */
export async function compiled(expression: string): Promise<Instruction[]> {
  const { stdout, stderr, exitCode } = await run("tcpdump", [
    ...["-ddd", "-y", "EN10MB", "--", expression],
  ]).catch((cause: unknown) => {
    if (!(cause instanceof PrerequisiteError)) throw cause;
    throw new PrerequisiteError(
      "--filter is compiled by tcpdump, which was not found on PATH: apt-get install tcpdump",
      { cause },
    );
  });
  const lines = stdout.trim().split("\n").slice(1);
  const program = lines.map((line) => line.split(" ").map(Number));
  const isWhole = program.every((words) => words.length === 4 && words.every(Number.isInteger));
  if (exitCode !== 0 || lines.length === 0 || !isWhole) {
    const said = stderr.trim().replace(/^tcpdump: /, "");
    throw new UsageError(
      `--filter takes an expression of tcpdump, which says of "${printable(expression)}": ${printable(said || "nothing")}`,
    );
  }
  return program.map(([code = 0, jt = 0, jf = 0, k = 0]) => [code, jt, jf, k] as const);
}

/** Where the link-layer address at `at` is this one. */
function ifMac(at: number, mac: string, label: string): Line[] {
  const bytes = macBytes(mac);
  return [
    [LD_W, 0, 0, at],
    [JEQ, 0, 3, bytes.readUInt32BE(0)],
    [LD_H, 0, 0, at + 4],
    [JEQ, 0, 1, bytes.readUInt16BE(4)],
    { to: label },
  ];
}

/** Where the address of the IP header is one of these. */
function ifIps(at4: number, at6: number, ips: readonly string[], label: string): Line[] {
  const four = ips.filter((ip) => isIPv4(ip)).map(ipBytes);
  const six = ips.filter((ip) => !isIPv4(ip)).map(ipBytes);
  const behind = `behind IPv4 ${at4} ${label}`;
  const end = `behind IPv6 ${at6} ${label}`;
  return [
    [LD_H, 0, 0, TYPE_AT],
    [JEQ, 1, 0, IPV4],
    { to: behind },
    [LD_W, 0, 0, at4],
    ...four.flatMap((ip): Line[] => [[JEQ, 0, 1, ip.readUInt32BE(0)], { to: label }]),
    { label: behind },
    [LD_H, 0, 0, TYPE_AT],
    [JEQ, 1, 0, IPV6],
    { to: end },
    ...six.flatMap((ip): Line[] => [
      [LD_W, 0, 0, at6],
      [JEQ, 0, 7, ip.readUInt32BE(0)],
      [LD_W, 0, 0, at6 + 4],
      [JEQ, 0, 5, ip.readUInt32BE(4)],
      [LD_W, 0, 0, at6 + 8],
      [JEQ, 0, 3, ip.readUInt32BE(8)],
      [LD_W, 0, 0, at6 + 12],
      [JEQ, 0, 1, ip.readUInt32BE(12)],
      { to: label },
    ]),
    { label: end },
  ];
}

function toEnd(label: string, { macs, ips }: EndAddresses): Line[] {
  return [
    { label },
    [LD_B, 0, 0, 0],
    [JSET, 0, 1, 1],
    { to: "group" },
    ...macs.flatMap((mac) => ifMac(0, mac, "accept")),
    ...ifIps(30, 38, ips, "accept").map((line) => named(line, label)),
    { to: "reject" },
  ];
}

/** Labels of a part that stands twice. */
function named(line: Line, which: string): Line {
  if ("label" in line) return { label: `${line.label} ${which}` };
  if ("to" in line && line.to.startsWith("behind")) return { to: `${line.to} ${which}` };
  return line;
}

/** ARP, and neighbour solicitations and advertisements (RFC 4861). */
function ifAsking(label: string): Line[] {
  return [
    [LD_H, 0, 0, TYPE_AT],
    [JEQ, 0, 1, ARP],
    { to: label },
    [JEQ, 0, 6, IPV6],
    [LD_B, 0, 0, 20],
    [JEQ, 0, 4, ICMP6],
    [LD_B, 0, 0, 54],
    [JEQ, 1, 0, NEIGHBOUR_SOLICITATION],
    [JEQ, 0, 1, NEIGHBOUR_ADVERTISEMENT],
    { to: label },
  ];
}

function assembled(lines: readonly Line[]): Instruction[] {
  const labels = new Map<string, number>();
  let place = 0;
  for (const line of lines) {
    if ("label" in line) labels.set(line.label, place);
    else place++;
  }
  const program: Instruction[] = [];
  for (const line of lines) {
    if ("label" in line) continue;
    if (!("to" in line)) {
      program.push(line);
      continue;
    }
    const target = labels.get(line.to);
    if (target === undefined) throw new Error(`the filter has no place "${line.to}"`);
    program.push([JA, 0, 0, target - program.length - 1]);
  }
  return program;
}

/** What it accepts is cut as all other frames are. */
function snapped([code, jt, jf, k]: Instruction, snap: number): Instruction {
  return code === RET && k !== 0 ? [code, jt, jf, snap] : [code, jt, jf, k];
}

const CLASS = 0x07;
const MODE = 0xe0;
const LD = 0x00;
const LDX = 0x01;
const ABS = 0x20;
const IND = 0x40;
const MSH = 0xa0;
/** From here on k is no place in the frame (SKF_AD_OFF, SKF_LL_OFF, SKF_NET_OFF). */
const ANCILLARY = 0xffe00000;

/** The same instruction for a frame that begins `base` bytes later. */
function rebased([code, jt, jf, k]: Instruction, base: number): Instruction {
  const mode = code & MODE;
  const loads =
    ((code & CLASS) === LD && (mode === ABS || mode === IND)) ||
    ((code & CLASS) === LDX && mode === MSH);
  return loads && k >>> 0 < ANCILLARY ? [code, jt, jf, k + base] : [code, jt, jf, k];
}
