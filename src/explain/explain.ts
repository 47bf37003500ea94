/** Why a bridge floods or loses frames: first what netlink tells at once, then what its frames do for a while. */

import type { NameCache } from "../bridge/containers.ts";
import type { Labs } from "../bridge/find-namespace.ts";
import { withFilters } from "../bridge/netfilter.ts";
import { BridgeGoneError, readBridge } from "../bridge/read-bridge.ts";
import type { BridgeState } from "../bridge/state.ts";
import { severalBridges, whichBridge } from "../bridge/which-bridge.ts";
import {
  EXPLAIN_SCHEMA,
  type Explanation,
  type Finding,
  type Note,
  type Thresholds,
} from "../document/explain.ts";
import type { LiveBackend } from "../live/backend.ts";
import { type Collected, collect, endedGone, type Flow } from "../live/collect.ts";
import { missingLivePrivileges, requireLivePrivileges } from "../system/capabilities.ts";
import { PrerequisiteError, UsageError } from "../system/errors.ts";
import { type Shown, writeBundle } from "./bundle.ts";
import { type Capture, type CaptureTool, captureTool, openCapture } from "./capture.ts";
import { ALL_CAUSES } from "./causes/index.ts";
import { unanswered } from "./causes/loss/vxlan-wrong-remote.ts";
import { sum } from "./causes/peak.ts";
import { remedyOf } from "./causes/remedy.ts";
import { watchCounters } from "./counters.ts";
import { claimFolder } from "./folder.ts";
import { portCopies } from "./judge/delivery.ts";
import { judged, THRESHOLDS } from "./judge/findings.ts";
import { portVerdicts } from "./judge/ports.ts";
import { lintAt } from "./lint/lint.ts";
import { createMask, type Mask } from "./mask.ts";

export interface ExplainOptions {
  /** The bridge's name; may be absent where there is just one. */
  bridge?: string | undefined;
  /** The namespace that it is in: a path, a PID, a name of `ip netns`, a container, a lab, or as it is printed. */
  netns?: string | undefined;
  /** A folder for the state that the explanation rests on; it must not exist yet, or be empty. */
  bundle?: string | undefined;
  /** Writes stand-ins for names and addresses into the bundle. */
  mask?: boolean | undefined;
  /** A folder for the first frames of each flooded flow; it must not exist yet, or be empty. Not together with `probes: false`. */
  pcap?: string | undefined;
  /** False asks netlink alone. */
  probes?: boolean | undefined;
  /** The two ends of one flow: each a namespace, a container, a port of the bridge, an IP address or a MAC address. */
  from?: string | undefined;
  to?: string | undefined;
  /** Of one flow: tcpdump's expression for its frames. */
  filter?: string | undefined;
  /** Of one flow: sends `ping` or datagrams, `udp:PORT`, from its first end to its second. */
  probe?: string | undefined;
  /** Of one flow: adds an nftables table of ours that marks at most 10 of its frames a second, and tells which rules they meet. */
  traceRules?: boolean | undefined;
  /** Called with what `traceRules` is about to do. */
  onTrace?: ((text: string) => void) | undefined;
  /** Of collecting; 10 when absent, of one flow 3. */
  seconds?: number | undefined;
  /** How frames are looked at; the first of fentry, kprobe and tracepoints that loads here when absent. */
  backend?: LiveBackend | undefined;
  /** Most of one CPU that the probes may take over a second, as a share; 0.1 when absent. Beyond it frames are counted for a part of the time. */
  maxOverhead?: number | undefined;
  /** Where they are to differ from 10, 100 and 100 frames, 5,000 copies and 1 move a second, 20 frames in all, and 5 lost at 1 a second. */
  thresholds?: Partial<Thresholds> | undefined;
  /** Ends the collecting early; what was counted so far is the answer. */
  signal?: AbortSignal | undefined;
  /** Called with what netlink tells, before frames are looked at. */
  onFirst?: ((first: Explanation) => void) | undefined;
  /** Called when frames are being looked at. */
  onCounting?: ((seconds: number) => void) | undefined;
  /** Called instead of `onFirst` where no frame can be looked at, and the counters are read twice. */
  onCounters?: (() => void) | undefined;
  /** Called some times a second with the findings so far and the seconds that are left. */
  onSoFar?: ((findings: Finding[], left: number) => void) | undefined;
}

const SECONDS = 10;
/** Without the names, which a mask would have to find. */
const RENAMED =
  "the bridge has got another name while this was looking; what is said here is of the same bridge";
/** More than `watch` may take for as long as it runs: this ends by itself. */
const MAX_OVERHEAD = 0.1;

/**
 * Reads a bridge and says what can make it flood, looks at its frames, and says what is flooded or lost and why, with the
 * command that would stop it. Nothing is changed.
 * Rejected with a UsageError, which lists the bridges that there are, where it is not clear which one is meant. `labs`
 * knows the labs that `netns` may name.
 */
export async function explainBridge(
  options: ExplainOptions = {},
  labs?: Labs,
): Promise<Explanation> {
  const { bridge, netns, bundle: folder } = options;
  if (options.mask === true && folder === undefined) {
    throw new UsageError(
      "--mask is about what a bundle holds; say with --bundle where to write one",
    );
  }
  if (options.pcap !== undefined && options.probes === false) {
    throw new UsageError(
      "--pcap captures floods that are seen, and --no-probes looks at no frames",
    );
  }
  const ofFlow = (["filter", "probe", "traceRules"] as const).find(
    (name) => options[name] !== undefined,
  );
  if (ofFlow !== undefined && options.from === undefined && options.to === undefined) {
    throw new UsageError(`${ofFlow} is of one flow: say with from and to between which ends`);
  }
  if (options.pcap !== undefined && options.mask === true) {
    throw new UsageError(
      "--pcap keeps frames as they are, and --mask cannot hide what is in them: leave one of the two out",
    );
  }
  // What is kept of frames, what tools say of a bridge, and other namespaces take root all the same.
  if (folder !== undefined || options.pcap !== undefined || netns !== undefined) {
    requireLivePrivileges();
  }
  const unprivileged = missingLivePrivileges();
  const tool = options.pcap === undefined ? null : await captureTool();
  const [found, ...others] = await whichBridge(bridge, netns, labs);
  if (found === undefined || others.length > 0) {
    throw severalBridges(found === undefined ? [] : [found, ...others]);
  }
  const thresholds = { ...THRESHOLDS, ...options.thresholds };
  const names: NameCache = new Map();
  let state = withFilters(await readBridge(found.place, found.ifindex, names));
  let collected: Collected | null = null;
  const first = state;
  let explanation = explanationOf(state, thresholds);
  if (options.probes !== false) {
    if (unprivileged !== null) return withoutFrames(explanation, state, unprivileged, options);
    options.onFirst?.(explanation);
    const { seconds = SECONDS, maxOverhead = MAX_OVERHEAD, signal, onCounting } = options;
    const { backend = "auto" } = options;
    const capture = tool && captureInto(options.pcap ?? "", tool, state);
    const tell = (soFar: Collected) => {
      if (capture !== null) seeFloods(soFar, thresholds, capture);
      options.onSoFar?.(judged(first, soFar, thresholds).findings, seconds - soFar.seconds);
    };
    // It reads all maps: for nobody, that would be for nothing.
    const onSoFar = capture === null && options.onSoFar === undefined ? undefined : tell;
    const onBegun = onCounting === undefined ? undefined : () => onCounting(seconds);
    try {
      collected = await unlessAborted(
        collect(state, { seconds, backend, maxOverhead, signal, onSoFar, onCounting: onBegun }),
        signal,
      ).finally(() => capture?.end());
    } catch (error) {
      // Whoever asked for a way to look, or for what is kept of frames, gets that or nothing.
      const optional = backend === "auto" && folder === undefined && capture === null;
      if (!(error instanceof PrerequisiteError) || !optional) throw error;
      return withoutFrames(explanation, state, error, options);
    }
    if (collected === null) return explanation;
    // As it is now: an entry that came meanwhile is no cause any more. Of one that is gone there is what was read first.
    const now = await readAgain(state, names);
    if (now === null) collected.ended ??= endedGone(state.name, collected.seconds);
    else {
      if (now.name !== state.name) collected.notes.push(RENAMED);
      state = { ...now, formerAddresses: formerAddresses(now, collected) };
    }
    explanation = withFindings(explanationOf(state, thresholds), {
      ...{ before: first, state, collected, captureOf: capture?.fileOf },
    });
  }
  if (folder !== undefined) {
    const mask = options.mask === true ? createMask(state) : null;
    const seen = { before: first, state, collected, explanation };
    const shown = mask === null ? seen : masked(mask, seen);
    await writeBundle({ folder, state, shown, mask });
  }
  return explanation;
}

/** The first answer of a host that lets nobody look at frames: the configuration, and what the counters tell. */
async function withoutFrames(
  first: Explanation,
  state: BridgeState,
  missing: PrerequisiteError,
  { seconds = SECONDS, signal, onCounters }: ExplainOptions,
): Promise<Explanation> {
  onCounters?.();
  const lint = await lintAt(state.place, state.name, missingLivePrivileges() === null);
  const told = new Set(first.notes.map(({ text }) => text));
  // What a rule has from a cause or a note of explain is told already, and so is a promiscuous bridge.
  const linted = (lint?.findings ?? []).filter(
    ({ rule, text }) => !told.has(text) && (rule !== "promiscuous" || state.promiscuity === 0),
  );
  const counters = await watchCounters(state, seconds, first.thresholds, signal);
  return {
    ...first,
    notLooked: missing.message,
    notes: [
      ...counters,
      ...linted.map(({ rule, severity, text, remedy, noRemedy }) => ({
        ...{ about: "state" as const, cause: null, remedy, noRemedy },
        text: `lint, ${rule}, ${severity}: ${text}`,
      })),
      ...first.notes,
    ],
  };
}

/** What an explanation is made of. */
interface Looked extends Omit<Shown, "explanation"> {
  collected: Collected;
  captureOf?: ((flow: Flow) => string | null) | undefined;
}

/** The same explanation of a bridge with other names: what it is made of is masked, not its sentences. */
function masked(mask: Mask, { explanation, ...seen }: Shown): Shown {
  const made = {
    before: mask.state(seen.before),
    state: mask.state(seen.state),
    collected: seen.collected === null ? null : mask.collected(seen.collected),
  };
  const { time, thresholds } = explanation;
  return { ...made, explanation: { ...explainedBy(made, thresholds), time } };
}

/** What follows from what was read and counted, and from nothing else; a bundle has all of it. */
export function explainedBy(
  { before, state, collected }: Omit<Shown, "explanation">,
  thresholds: Thresholds,
): Explanation {
  const first = explanationOf(state, thresholds);
  return collected === null ? first : withFindings(first, { before, state, collected });
}

function captureInto(folder: string, tool: CaptureTool, state: BridgeState): Capture {
  claimFolder(folder, "captures");
  return openCapture(tool, folder, state);
}

/** Those that are too many to be no flood, the largest first. */
function seeFloods({ flows }: Collected, { frames: least }: Thresholds, capture: Capture): void {
  capture.see(flows.filter(({ frames }) => frames >= least).sort((a, b) => b.frames - a.frames));
}

/** Null where it was ended before any frame was looked at. */
async function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (signal?.aborted === true) return null;
    throw error;
  }
}

/** What netlink alone tells. */
export function explanationOf(state: BridgeState, thresholds: Thresholds): Explanation {
  const { name, ifindex, place, options } = state;
  return {
    schema: EXPLAIN_SCHEMA,
    time: new Date().toISOString(),
    bridge: { name, ifindex, namespace: { inode: place.inode, label: place.label }, options },
    probes: false,
    seconds: 0,
    counted: 0,
    overhead: null,
    traffic: null,
    thresholds,
    findings: [],
    below: [],
    belowMore: 0,
    notes: [
      ...ALL_CAUSES.flatMap((cause) => cause.notes(state)).map((note) => ({
        ...{ about: "state" as const, ...note },
        ...remedyOf(state, note.remedy),
      })),
      ...promiscuous(state),
    ],
    ports: portVerdicts(state),
  };
}

/** The same bridge as it is now, with its filters; null where it is gone. */
export async function readAgain(
  { place, ifindex }: BridgeState,
  names: NameCache,
): Promise<BridgeState | null> {
  try {
    return withFilters(await readBridge(place, ifindex, names));
  } catch (error) {
    if (error instanceof BridgeGoneError) return null;
    throw error;
  }
}

/** The bridge takes the lowest address of its ports', which come and go. */
function formerAddresses({ address }: BridgeState, { ownAddresses }: Collected): string[] {
  return ownAddresses.filter((one) => one !== address);
}

function withFindings(first: Explanation, looked: Looked): Explanation {
  const { before, state, collected, captureOf } = looked;
  const { seconds, counted, share, ended } = collected;
  const seen = judged(state, collected, first.thresholds, { captureOf, before });
  const said = [...(ended === null ? [] : [ended.text]), ...collected.notes];
  return {
    ...first,
    ...{ probes: true, seconds, counted, ended: ended?.early ?? null, overhead: share, ...seen },
    // What the interfaces of a bridge that is gone have counted nobody knows.
    traffic: ended?.early === "bridge-gone" ? null : trafficOf(collected),
    notes: [
      ...said.map((text) => ({ about: "frames" as const, cause: null, text, remedy: null })),
      ...unanswered({ before, state, collected }, first.thresholds.frames).map((note) => ({
        ...{ about: "frames" as const, ...note, ...remedyOf(state, note.remedy) },
      })),
      ...first.notes.filter((note) => !seen.findings.some((finding) => isTold(finding, note))),
    ],
  };
}

/** A finding says the same of a flood that was seen. */
function isTold({ cause, title, remedy }: Finding, note: Note): boolean {
  const fix = note.remedy?.command;
  if (cause !== note.cause) return false;
  // Of a loop the note says that there may be one, and begins as the finding does.
  const begins = (text: string) => (cause === "loop" ? text.replace(/:.*/s, "") : text);
  return begins(title) === begins(note.text) || (fix !== undefined && fix === remedy?.command);
}

function trafficOf({ came, flows }: Collected): NonNullable<Explanation["traffic"]> {
  return {
    frames: came,
    flooded: sum(flows, ({ frames }) => frames),
    copies: sum(flows, portCopies),
  };
}

function promiscuous(state: BridgeState): Note[] {
  if (state.promiscuity === 0) return [];
  const text = `${state.name} itself is promiscuous: the host gets a copy of every frame, flooded or not; a capture does that while it runs, and so does \`ip link set ${state.name} promisc on\``;
  return [{ about: "state", cause: null, text, remedy: null }];
}
