import {
  type BridgeConfig,
  type BridgeModel,
  createBridgeModel,
  type PortConfig,
} from "../../model/bridge.ts";

export const BRIDGE = "02:ab:cd:00:00:ff";
export const PORT1 = "02:ab:cd:00:01:01";
export const PORT2 = "02:ab:cd:00:01:02";
export const A = "02:ab:cd:00:0a:01";
export const B = "02:ab:cd:00:0a:02";
export const C = "02:ab:cd:00:0a:03";
export const UNKNOWN = "02:ab:cd:00:0a:99";
export const BROADCAST = "ff:ff:ff:ff:ff:ff";
export const GROUP = "01:00:5e:01:02:03";

/** A bridge of three ports that are as the kernel makes them, but for `ports` and `options`. */
export function bridge(
  ports: Partial<Record<"p1" | "p2" | "p3", Partial<PortConfig>>> = {},
  options: Partial<BridgeConfig> = {},
): BridgeModel {
  const port = (id: "p1" | "p2" | "p3", address: string): PortConfig => ({
    state: "forwarding",
    learning: true,
    flood: true,
    mcastFlood: true,
    bcastFlood: true,
    isolated: false,
    hairpin: false,
    address,
    ...ports[id],
  });
  return createBridgeModel({
    address: BRIDGE,
    ports: { p1: port("p1", PORT1), p2: port("p2", PORT2), p3: port("p3", "02:ab:cd:00:01:03") },
    promiscuous: false,
    up: true,
    ageingTimeMs: 300_000,
    stp: false,
    groupFwdMask: 0,
    mcastSnooping: true,
    staticEntries: [],
    ...options,
  });
}

/** Lets the bridge learn that `address` is behind `port`, by a frame that no port gets. */
export function teach(model: BridgeModel, port: string, address: string): void {
  model.receive(port, { source: address, destination: address });
}
