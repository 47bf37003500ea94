import { type BridgeView, readFdb, readOptions } from "./bridge-view.ts";
import { speak, stationAddress } from "./frames.ts";
import { readUntil } from "./read.ts";
import type { Step } from "./step.ts";

/** iproute2 counts in hundredths of a second. */
const SHORT_AGEING_TIME = 100;
const AGEING_LIMIT_MS = 4_000;

/** Ageing, with an ageing time of one second; the bridge's own is put back. */
export function bridgeAgeing(view: BridgeView): Step {
  const address = stationAddress(view, 6);
  const { name } = view.bridge;
  const [host] = view.hosts;
  let original: number | null = null;
  let learned: string | undefined;
  let limitMs = AGEING_LIMIT_MS;
  const expected = (limit: number) =>
    `${address} learned, and gone within ${limit / 1000} s with an ageing time of 1 s`;
  const setAgeingTime = (value: number) =>
    view.lab.site.runOk(
      "ip",
      ["link", "set", "dev", name, "type", "bridge", "ageing_time", String(value)],
      { namespace: view.inside },
    );
  return {
    id: "bridge/ageing",
    title: "Ageing removes the entry of a host that falls silent",
    command: `ip -n ${view.inside} link set ${name} type bridge ageing_time ${SHORT_AGEING_TIME}; sleep 2; bridge -n ${view.inside} fdb show br ${name}`,
    expected: expected(AGEING_LIMIT_MS),
    prepare: async () => {
      const options = await readOptions(view);
      original = options.ageing_time;
      // While STP sees a topology change, the forward delay takes the ageing time's place (hold_time).
      if (options.stp_state !== 0) limitMs = AGEING_LIMIT_MS + options.forward_delay * 10;
      await setAgeingTime(SHORT_AGEING_TIME);
      if (host !== undefined) learned = await speak(view, host, address);
    },
    observe: async () => {
      const spoke = performance.now();
      const left = await readUntil(
        async () => (await readFdb(view)).get(address),
        (port) => port === undefined,
        limitMs,
        50,
      );
      const waited = `${((performance.now() - spoke) / 1000).toFixed(1)} s`;
      const fate = left === undefined ? `gone after ${waited}` : `still there after ${waited}`;
      return {
        expected: expected(limitMs),
        passed: learned !== undefined && left === undefined,
        observed:
          learned === undefined
            ? `${address} was never learned`
            : `${address} learned on ${learned}, ${fate}`,
      };
    },
    tidy: async () => {
      if (original !== null) await setAgeingTime(original);
    },
  };
}
