import { expect, it } from "vitest";
import { hostChanges, hostState, tagged, uniqueName } from "../host-state.ts";
import { newIsland } from "./island.ts";

it("leaves nothing of what was made there, and may not change the machine's own settings", async () => {
  const before = hostState();
  const [name, [tag, value]] = [uniqueName(), Object.entries(tagged)[0] ?? []];
  const island = await newIsland();
  await island.shell(`ip netns add ${name}; ip link add ${name} type bridge
${tag}=${value} setsid ip netns exec ${name} sleep 7200 > /dev/null 2>&1 &`);
  const most = "/proc/sys/fs/file-max";
  await expect(island.shell(`cat ${most} > /run/most; cat /run/most > ${most}`)).rejects.toThrow(
    "Read-only",
  );
  expect(await island.shell("ls /run /run/netns")).toContain(name);
  expect(hostState().processes).not.toEqual(before.processes);
  await island.close();
  expect(await hostChanges(before)).toEqual({});
});
