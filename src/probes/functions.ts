import { existsSync, readFileSync } from "node:fs";
import { type Btf, BtfError, parseBtf } from "./btf.ts";

/**
 * The function table: which kernel functions on a frame's way the running kernel has, where their
 * arguments lie, and which backend can attach to them.
 */

export interface KernelFunction {
  name: string;
  /** null for the kernel image itself, or where the function is absent. */
  module: string | null;
  /** null where nothing tells them. */
  parameters: FunctionParameter[] | null;
  /** null where fentry can attach, else why not. */
  fentry: string | null;
  /** null where a kprobe can attach, else why not. */
  kprobe: string | null;
}

export type FunctionTable = ReadonlyMap<string, KernelFunction>;
export type FunctionBackend = "fentry" | "kprobe";

/** The module that has each function, where it is not built in, and the stage that needs it. */
const FUNCTIONS: Readonly<Record<string, string | null>> = {
  veth_xmit: "veth", // veth, path: a frame leaves for the peer
  loopback_xmit: null, // path of a namespace's loopback
  br_handle_frame: "bridge", // bridge ingress
  br_handle_frame_finish: "bridge", // bridge ingress behind the firewall's hook
  br_forward: "bridge", // decision knownUnicast
  __br_forward: "bridge", // bridge.forward: one copy
  br_forward_finish: "bridge", // bridge.forward: behind the firewall's hook
  br_flood: "bridge", // decisions unknownUnicast, broadcast and multicast; bridge.flood
  br_multicast_flood: "bridge", // decision multicast by the MDB
  maybe_deliver: "bridge", // ports that a flood considered, and skipped
  br_dev_queue_push_xmit: "bridge", // bridge egress: end of bridge.forward and bridge.flood
  br_fdb_update: "bridge", // bridge.learn: begins
  fdb_create: "bridge", // bridge.learn: ends
  fdb_delete: "bridge", // entries that age or are removed
  br_fdb_find_rcu: "bridge", // bridge.lookup
  br_pass_frame_up: "bridge", // decision local
  br_dev_xmit: "bridge", // ingress from the host itself
  br_allowed_ingress: "bridge", // decision filtered, by VLAN
  br_send_bpdu: "bridge", // originated: STP
  should_deliver: "bridge", // why a port was skipped
  deliver_clone: "bridge", // copies of a flood
};

export const FUNCTION_NAMES: readonly string[] = Object.keys(FUNCTIONS);

/** x86-64's calling convention passes this many integers and pointers in registers. */
const REGISTERS = 6;

/**
 * Reads the table. It holds for the modules that are loaded now: bridge and veth are once a lab is
 * built. Never throws; what cannot be read is left out of the judgement, and attaching then tells.
 */
export function readFunctions(files: KernelFiles = liveKernelFiles()): FunctionTable {
  const kallsyms = files.kallsyms();
  const filterFunctions = files.filterFunctions();
  const kernel: Kernel = {
    symbols: kallsyms && parseSymbols(kallsyms, FUNCTIONS),
    traceable: filterFunctions && parseFilterFunctions(filterFunctions, FUNCTIONS),
    ...readBtf(files),
    release: files.release,
    kprobes: files.kprobes,
  };
  return new Map(FUNCTION_NAMES.map((name) => [name, describe(name, kernel)]));
}

/**
 * The same table where a backend was tried and refused: no function can be attached by it. A reason that
 * the table itself gave says nothing of its other functions.
 */
export function withRefusal(
  table: FunctionTable,
  backend: FunctionBackend,
  reason: string | null,
): FunctionTable {
  if (reason === null || [...table.values()].some((known) => known[backend] === reason)) {
    return table;
  }
  return new Map(
    [...table].map(([name, known]) => [name, { ...known, [backend]: known[backend] ?? reason }]),
  );
}

/** Whether a reason goes away by itself once a lab is built. */
export const isNotLoaded = (reason: string): boolean => reason.endsWith(NOT_LOADED);
const NOT_LOADED = "is not loaded";

const HOMES: readonly string[] = [
  ...new Set(Object.values(FUNCTIONS).filter((home) => home !== null)),
];

interface Kernel {
  symbols: Symbols | null;
  traceable: ReadonlySet<string> | null;
  /** BTF by module, `vmlinux` for the kernel image. */
  btf: ReadonlyMap<string, Btf>;
  /** Why BTF that is there could not be read, by the same names. */
  btfFaults: ReadonlyMap<string, string>;
  release: string;
  kprobes: boolean;
}

function readBtf(files: KernelFiles): Pick<Kernel, "btf" | "btfFaults"> {
  const btf = new Map<string, Btf>();
  const btfFaults = new Map<string, string>();
  const read = (module: string, base?: Btf) => {
    const bytes = files.btf(module);
    if (bytes === null) return undefined;
    try {
      const parsed = parseBtf(bytes, FUNCTION_NAMES, base);
      btf.set(module, parsed);
      return parsed;
    } catch (error) {
      btfFaults.set(module, reasonOf(error));
      return undefined;
    }
  };
  const base = read("vmlinux");
  // A module's BTF counts on from the kernel's.
  if (base !== undefined) for (const module of HOMES) read(module, base);
  return { btf, btfFaults };
}

function describe(name: string, kernel: Kernel): KernelFunction {
  const home = FUNCTIONS[name] ?? null;
  const symbol = kernel.symbols?.get(name);
  const inBtf = parametersInBtf(name, home, kernel.btf);
  const module = symbol === undefined ? (inBtf?.module ?? null) : symbol.module;
  const absent = whyAbsent(name, home, kernel);
  const fallback = isBefore511(kernel.release) ? signatureBeforeModuleBtf(name) : null;
  return {
    name,
    module,
    parameters: inBtf?.parameters ?? fallback,
    fentry: absent ?? whyNoBtf(name, module ?? homeIfUnknown(home, kernel), inBtf, kernel),
    kprobe: kernel.kprobes ? absent : "this kernel has no kprobes (CONFIG_KPROBES)",
  };
}

const homeIfUnknown = (home: string | null, kernel: Kernel): string | null =>
  kernel.symbols === null ? home : null;

/** Why neither backend finds the function, or null where it is there, or nothing says that it is not. */
function whyAbsent(name: string, home: string | null, kernel: Kernel): string | null {
  const { symbols, traceable } = kernel;
  if (symbols === null) return null;
  const symbol = symbols.get(name);
  if (symbol === undefined) {
    const loaded = home === null || [...symbols.keys()].some((other) => FUNCTIONS[other] === home);
    return loaded ? "inlined: no such symbol" : `module ${home} ${NOT_LOADED}`;
  }
  if (symbol.compiledAs !== name) {
    return `compiled as ${symbol.compiledAs}: its arguments may have moved`;
  }
  // On a kernel with ftrace a kprobe is refused there too: within_notrace_func() in trace_kprobe.c.
  return traceable === null || traceable.has(name) ? null : "not in available_filter_functions";
}

interface InBtf {
  module: string | null;
  parameters: FunctionParameter[] | null;
  fault: string | null;
}

function parametersInBtf(
  name: string,
  home: string | null,
  btf: ReadonlyMap<string, Btf>,
): InBtf | null {
  for (const module of [home ?? "vmlinux", "vmlinux"]) {
    const inModule = module === "vmlinux" ? null : module;
    try {
      const known = btf.get(module)?.func(name);
      if (known) {
        return { module: inModule, parameters: placed(known.parameters), fault: null };
      }
    } catch (error) {
      return { module: inModule, parameters: null, fault: reasonOf(error) };
    }
  }
  return null;
}

function whyNoBtf(
  name: string,
  module: string | null,
  found: InBtf | null,
  { btf, btfFaults, release }: Kernel,
): string | null {
  if (found !== null) return found.fault;
  const fault = btfFaults.get("vmlinux") ?? btfFaults.get(module ?? "vmlinux");
  if (fault !== undefined) return fault;
  if (!btf.has("vmlinux")) return "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)";
  if (module !== null && !btf.has(module)) {
    const why = isBefore511(release) ? "Linux before 5.11" : "CONFIG_DEBUG_INFO_BTF_MODULES";
    return `no BTF for module ${module} (${why})`;
  }
  return `BTF has no function ${name}`;
}

/**
 * The register of each parameter in the System V calling convention of x86-64: a value of up to 8 bytes
 * takes one, of up to 16 two, and a larger one lies on the stack, as does one that no longer fits.
 */
export function placed(
  parameters: readonly { name: string; type: string; words: number }[],
): FunctionParameter[] {
  let next = 0;
  return parameters.map(({ name, type, words }) => {
    const fits = (words === 1 || words === 2) && next + words <= REGISTERS;
    const register = fits ? next : null;
    if (fits) next += words;
    return { name, type, register };
  });
}

/** Kernels before 5.11 have no BTF for modules (commit 36e68442d1af in Linux). */
function isBefore511(release: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  if (major === undefined || minor === undefined) return false;
  return Number(major) < 5 || (Number(major) === 5 && Number(minor) < 11);
}

const reasonOf = (error: unknown): string =>
  error instanceof BtfError ? error.message : `BTF cannot be read: ${String(error)}`;

/** What the function table is read from. A file that cannot be read is null. */
export interface KernelFiles {
  /** /proc/kallsyms */
  kallsyms(): Buffer | null;
  /** available_filter_functions of tracefs */
  filterFunctions(): Buffer | null;
  /** /sys/kernel/btf/<module>, `vmlinux` for the kernel itself */
  btf(module: string): Buffer | null;
  /** As `uname -r` prints it. */
  readonly release: string;
  /** Whether the kernel was built with kprobes. */
  readonly kprobes: boolean;
}

/** The running kernel's; tracefs only where it is mounted, below `root` when one is given. */
function liveKernelFiles(root = ""): KernelFiles {
  return {
    kallsyms: () => bytesOf("/proc/kallsyms"),
    filterFunctions: () =>
      bytesOf(`${root}/sys/kernel/tracing/available_filter_functions`) ??
      bytesOf(`${root}/sys/kernel/debug/tracing/available_filter_functions`),
    btf: (module) => bytesOf(`/sys/kernel/btf/${module}`),
    release: bytesOf("/proc/sys/kernel/osrelease")?.toString().trim() ?? "unknown",
    kprobes: existsSync("/sys/bus/event_source/devices/kprobe"),
  };
}

/** Not asynchronous: /proc comes a page at a time, and a thousand turns of the event loop cost more. */
function bytesOf(path: string): Buffer | null {
  try {
    const bytes = readFileSync(path);
    return bytes.length === 0 ? null : bytes;
  } catch {
    return null;
  }
}

/** Finds functions among the hundred thousand lines of the kernel's lists of its functions. */

export interface Symbol {
  /** The name itself, or what the compiler made of it: `br_x.constprop.0`. */
  compiledAs: string;
  /** null for the kernel image itself. */
  module: string | null;
}

export type Symbols = ReadonlyMap<string, Symbol>;

/** Names, and the module that each is looked for in besides the kernel image. */
type Wanted = Readonly<Record<string, string | null>>;

/** `ffffffffa3993710 t br_flood\t[bridge]` */
function parseSymbols(kallsyms: Buffer, wanted: Wanted): Symbols {
  const symbols = new Map<string, Symbol>();
  // A text symbol, weak ones included. The cold part of a function is no function.
  for (const { name, suffix, module } of entries(kallsyms, "[tTwW] ", wanted)) {
    if (suffix.startsWith(".cold")) continue;
    if (suffix === "" || !symbols.has(name)) {
      symbols.set(name, { compiledAs: name + suffix, module });
    }
  }
  return symbols;
}

/** `br_flood [bridge]` */
function parseFilterFunctions(list: Buffer, wanted: Wanted): ReadonlySet<string> {
  const plain = [...entries(list, "^", wanted)].filter(({ suffix }) => suffix === "");
  return new Set(plain.map(({ name }) => name));
}

interface Entry {
  name: string;
  suffix: string;
  module: string | null;
}

/**
 * The wanted functions in the kernel image or the module where each belongs, with any suffix of the
 * compiler. One expression over the whole text: 9 ms for /proc/kallsyms, a tenth of a walk by lines.
 */
function* entries(list: Buffer, before: string, wanted: Wanted): Generator<Entry> {
  const names = Object.keys(wanted).join("|");
  const line = new RegExp(`${before}(${names})(\\.\\S+)?(?:[ \\t]+\\[(.+)\\])?$`, "gm");
  for (const [, name = "", suffix = "", module] of list.toString("latin1").matchAll(line)) {
    if (module === undefined || module === wanted[name]) {
      yield { name, suffix, module: module ?? null };
    }
  }
}

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
function signatureBeforeModuleBtf(name: string): FunctionParameter[] | null {
  return (
    LINUX_5_10[name]?.map((text, register) => {
      const split = text.lastIndexOf(" ");
      return { name: text.slice(split + 1), type: text.slice(0, split), register };
    }) ?? null
  );
}
