import { PrerequisiteError, UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { runTool } from "./tool.ts";

/** The Debian mirror to fetch from: the one that was asked for, or the machine's own. */
export async function findMirror(asked: string | undefined, signal?: AbortSignal): Promise<string> {
  if (asked !== undefined) return checkMirror(asked);
  // Before the first `apt-get update` a target says only where it comes from.
  const listed = await runTool(
    "apt-get",
    ["indextargets", "--no-release-info", "--format", "$(SITE)"],
    { signal },
  );
  const own = ownMirror(listed.stdout);
  if (own !== null) return own;
  throw new PrerequisiteError(
    "this machine's apt sources name no mirror of Debian: give one with --mirror URL",
  );
}

/** The site most of apt's targets come from, of those that can be a Debian archive. */
function ownMirror(sites: string): string | null {
  const counts = new Map<string, number>();
  for (const site of sites.split("\n")) {
    // Ubuntu's mirrors and Debian's security archive have none of the suites.
    if (!/^(https?|file|copy|mirror\+\w+):\/*\S*\/debian\/?$/.test(site)) continue;
    counts.set(site, (counts.get(site) ?? 0) + 1);
  }
  const [first] = [...counts].sort((a, b) => b[1] - a[1]);
  return first === undefined ? null : first[0];
}

function checkMirror(text: string): string {
  // It becomes a line of apt's sources, where blanks and brackets have a meaning.
  if (/^(https?|file):\/\/[^\s[\]#]+$/.test(text)) return text;
  throw new UsageError(
    `--mirror expects the http, https or file URL of a Debian archive, not "${printable(text)}"`,
  );
}
