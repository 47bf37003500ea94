import { setTimeout as sleep } from "node:timers/promises";
import { startChild } from "../../../src/system/child.ts";
import { openPrivateSite } from "../../../src/system/site.ts";

export interface Stranger {
  pid: number;
  end(): Promise<void>;
}

/** Somebody's bpftrace, not started as ours are; attached when it is there. */
export async function stranger(text: string): Promise<Stranger> {
  const site = await openPrivateSite();
  const child = startChild(site, "bpftrace", ["-e", `${text} interval:ms:50 { printf("on\\n"); }`]);
  let said = "";
  child.process.stdout?.on("data", (data) => {
    said += String(data);
  });
  let over = false;
  void child.ended.then(() => {
    over = true;
  });
  while (!/^on$/m.test(said)) {
    if (over) throw new Error(`bpftrace: ${child.complaints()}`);
    await sleep(20);
  }
  return {
    pid: child.pid,
    end: async () => {
      await child.stop("SIGKILL", 1000);
      await site.close();
    },
  };
}
