import { stripVTControlCharacters } from "node:util";
import { BridgescopeError, HangError } from "../system/errors.ts";
import { openPrivateSite } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import {
  type FunctionBackend,
  type FunctionTable,
  isNotLoaded,
  readFunctions,
} from "./functions.ts";
import { translate } from "./translate.ts";

/** What is tried: the first of these that the table lets be attached. */
const CANDIDATES = ["br_handle_frame_finish", "veth_xmit"];
/** In the kernel image itself, for while the modules are not loaded. */
const BUILT_IN = "loopback_xmit";

/**
 * Whether the kernel lets a backend's program be loaded and attached, which nothing but trying tells:
 * null, or the reason in one sentence. That is the table's where it knows of no function to attach to,
 * and else bpftrace's own. Takes up to a second. A bpftrace that hangs says nothing of the kernel: a HangError.
 */
export async function tryBackend(
  backend: FunctionBackend,
  bpftraceVersion: readonly [major: number, minor: number, ...rest: number[]],
  functions: FunctionTable = readFunctions(),
): Promise<string | null> {
  const refusals = CANDIDATES.map((name) => functions.get(name)?.[backend] ?? null);
  const unloaded = refusals.every((reason) => reason !== null && isNotLoaded(reason));
  const name = unloaded ? BUILT_IN : CANDIDATES[refusals.indexOf(null)];
  const known = name === undefined ? refusals[0] : functions.get(name)?.[backend];
  if (name === undefined || known != null) return known ?? "no function to attach to is known";
  const [major, minor] = bpftraceVersion;
  const { text } = translate(`fentry:${name}\n{\n}\n${END}\n`, {
    backend,
    bpftraceVersion: [major, minor],
    functions,
  });
  try {
    const site = await openPrivateSite();
    try {
      const { exitCode, stdout, stderr } = await site.run("bpftrace", ["-e", text]);
      if (exitCode === 0) return null;
      return bpftraceReason(`${stderr}\n${stdout}`) ?? `bpftrace ended with ${exitCode}`;
    } finally {
      await site.close();
    }
  } catch (error) {
    if (error instanceof HangError || !(error instanceof BridgescopeError)) throw error;
    return error.message;
  }
}

/** Not in BEGIN, which runs before the other probes are attached. */
const END = "interval:ms:1\n{\n\texit();\n}";

/** Not the reason for anything: what bpftrace says on every start here, or beside the real reason. */
const NOISE = /RLIMIT_MEMLOCK|WARNING:|^Attaching \d+ probe|^Attached \d+ probe|^\s*~+\s*$/;

/** What bpftrace complained of, in one sentence: without places, colours and the program's own text. */
export function bpftraceReason(output: string): string | null {
  const lines = output.split("\n");
  const said = lines.filter((line, index) => {
    // A message about a place in the program is followed by that line and by tildes below it.
    const quoted = /^\s*~+\s*$/.test(lines[index + 1] ?? "");
    return line.trim() !== "" && !quoted && !NOISE.test(line);
  });
  const reasons = said.map((line) =>
    printable(stripVTControlCharacters(line).replace(PLACE, "").trim()),
  );
  // The last word, that the probe was not attached, is the reason only where it is the only one.
  const better = reasons.filter((reason) => !reason.startsWith("Error attaching probe"));
  return (better[0] ?? reasons[0])?.slice(0, 200).replace(/\.$/, "") ?? null;
}

const PLACE = /^(?:stdin:[\d:-]+: *)?(?:(?:ERROR|FATAL): *)?/;
