import type { BridgeState } from "./state.ts";

/** `host` for the bridge's own device. */
export function portName(state: BridgeState, ifindex: number): string {
  if (ifindex === state.ifindex) return "host";
  const port = state.ports.find((one) => one.ifindex === ifindex);
  return port?.name ?? `ifindex ${ifindex}`;
}
