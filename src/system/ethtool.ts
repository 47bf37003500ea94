import { close, ethtoolValue, socket } from "./libc.ts";
import { AF_INET, SOCK_DGRAM } from "./uapi.ts";

/** ETHTOOL_G* commands that answer with one flag. */
const FLAGS = {
  gro: 0x2b,
  gso: 0x23,
  tso: 0x1e,
  "tx-checksumming": 0x16,
  "rx-checksumming": 0x14,
  "scatter-gather": 0x18,
} as const;

/** Offloads of devices in the calling thread's namespace, as `ethtool -k` would name them. */
export function readOffloads(devices: readonly string[]): Map<string, Record<string, boolean>> {
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  try {
    return new Map(
      devices.map((device) => {
        const flags = Object.entries(FLAGS).flatMap(([name, command]) => {
          const value = ethtoolValue(fd, device, command);
          return value === null ? [] : [[name, value !== 0] as const];
        });
        return [device, Object.fromEntries(flags)];
      }),
    );
  } finally {
    close(fd);
  }
}
