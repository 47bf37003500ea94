import type { Site } from "../../system/site.ts";

export interface Answer {
  answered: boolean;
  /** What ping said, in a few words. */
  said: string;
}

/** One echo request; no answer within a second is a result, not an error. */
export async function ping(site: Site, namespace: string, address: string): Promise<Answer> {
  const result = await site.run("ping", ["-n", "-c", "1", "-W", "1", address], { namespace });
  return readPing(result);
}

export function readPing(result: { stdout: string; stderr: string; exitCode: number }): Answer {
  const time = / time=([\d.]+) ms/.exec(result.stdout)?.[1];
  if (result.exitCode === 0 && time !== undefined) {
    return { answered: true, said: `answered after ${time} ms` };
  }
  const complaint = result.stderr.trim().split("\n")[0] ?? "";
  const losses = /\d+ packets transmitted.*/.exec(result.stdout)?.[0];
  return { answered: false, said: complaint || losses || `exit status ${result.exitCode}` };
}
