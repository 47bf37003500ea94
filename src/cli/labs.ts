import type { Labs } from "../bridge/find-namespace.ts";

/** What knows the kept labs is loaded when a name may be one's. */
export const labNamespace: Labs = async (name) => {
  const { bridgeNamespace } = await import("../setup/kept.ts");
  return bridgeNamespace(name);
};
