/** Which flooded frames a port gets, by its flags. */
import { expect, it } from "vitest";
import { portVerdicts } from "../../../src/explain/judge/ports.ts";
import { B, bridge, port, withPort } from "./bridge.ts";

const { flags } = port("b", B);

it.each([
  ["flood off", { flood: false }, [false, true, true], /^flood off/],
  ["bcast_flood off", { bcastFlood: false }, [true, false, true], /^bcast_flood off/],
  ["mcast_flood off", { mcastFlood: false }, [true, true, false], /^mcast_flood off/],
  ["proxy_arp on", { proxyArp: true }, [false, false, false], /^proxy_arp on: no flooded frame/],
  ["nothing set", {}, [true, true, true], /^nothing holds flooded frames back$/],
])("a port with %s", (_, over, [unknownUnicast, broadcast, multicast], why) => {
  const state = withPort(bridge(), "pb", { flags: { ...flags, ...over } });
  const verdict = portVerdicts(state).find(({ name }) => name === "pb");
  expect(verdict?.gets).toEqual({ unknownUnicast, broadcast, multicast });
  expect(verdict?.why).toEqual([expect.stringMatching(why)]);
});
