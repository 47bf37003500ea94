import { isDeepStrictEqual } from "node:util";
import type { Flooding } from "../../../src/probes/account.ts";
import { type BridgeModel, HOST, type PortId } from "../../model/bridge.ts";
import type { Step } from "../../model/steps.ts";
import { expectedStory, observedStory, type SentFrame } from "./expectation.ts";
import { accountOf } from "./journal.ts";
import { type Entry, readCounters, readFdb } from "./kernel.ts";
import type { Rig, Testimony } from "./rig.ts";

/** Frame by frame: what each witness and the wires tell against the model. */
export function judgeFrames(rig: Rig, frames: readonly SentFrame[], steps: Step[]): string[] {
  const heard = rig.wire.collect();
  return frames.flatMap((frame) => {
    const expected = expectedStory(frame);
    const told = rig.witnesses.flatMap(({ name, journal }) => {
      const story = observedStory(accountOf(journal.frame(frame.number), rig.ports), rig.nameOf);
      if (isDeepStrictEqual(expected, story)) return [];
      return [`  ${name} probes: ${JSON.stringify(story)}`];
    });
    const out = heard.get(frame.number) ?? [];
    if (told.length === 0 && isDeepStrictEqual(expected.egress, out)) return [];
    const upTo = frame.step === null ? [] : steps.slice(0, steps.indexOf(frame.step) + 1);
    return [
      [
        `frame ${frame.number} (${frame.bytes} bytes): ${JSON.stringify(frame.step)}`,
        ...upTo.map((step, index) => `  step ${index + 1}: ${JSON.stringify(step)}`),
        `  model:  ${JSON.stringify(expected)}`,
        ...told,
        `  came out at: ${JSON.stringify(out)}`,
      ].join("\n"),
    ];
  });
}

/** The lab is quiet: there is no frame in it but ours. */
export function judgeStrangers(rig: Rig): string[] {
  return rig.witnesses.flatMap(({ name, journal }) =>
    journal.strangers
      .splice(0)
      .map((frame) => observedStory(accountOf(frame, rig.ports), rig.nameOf))
      .map((story) => `a frame that nobody sent, by ${name}: ${JSON.stringify(story)}`),
  );
}

export async function judgeFdb(rig: Rig, model: BridgeModel): Promise<string[]> {
  const sorted = (entries: Entry[]) =>
    entries
      .map(({ address, port, local, permanent }) => ({ address, port, local, permanent }))
      .sort((a, b) => a.address.localeCompare(b.address));
  const [expected, observed] = [sorted(model.entries()), sorted(await readFdb(rig.lab))];
  if (isDeepStrictEqual(expected, observed)) return [];
  return [`FDB\n  model:  ${JSON.stringify(expected)}\n  kernel: ${JSON.stringify(observed)}`];
}

/** The interface counters against all that the model has said, since this was last asked. */
export async function judgeCounters(rig: Rig): Promise<string[]> {
  const since = rig.start;
  rig.start = { sums: structuredClone(rig.sums), counters: await readCounters(rig.lab) };
  return [...rig.start.sums].flatMap(([id, sum]) => {
    const [from, to] = [since.counters.get(id), rig.start.counters.get(id)];
    const before = since.sums.get(id);
    if (from === undefined || to === undefined || before === undefined) return [`no ${id}`];
    const expected = {
      ingress: sum.ingress - before.ingress,
      egress: sum.egress - before.egress,
    };
    const [rx, tx] = [to.rx.packets - from.rx.packets, to.tx.packets - from.tx.packets];
    // br_pass_frame_up counts a frame before it asks whether the bridge is in the frame's VLAN.
    if (id === HOST && rig.outsiders.has(HOST)) return [];
    const observed = id === HOST ? { ingress: tx, egress: rx } : { ingress: rx, egress: tx };
    if (isDeepStrictEqual(expected, observed)) return [];
    return [`counters of ${id}: ${JSON.stringify(observed)}, model ${JSON.stringify(expected)}`];
  });
}

/** What each witness left against the sums of the model, and it has no doubts of its own. */
export function judgeTotals(rig: Rig, testimonies: readonly Testimony[]): string[] {
  return testimonies.flatMap((testimony) =>
    judgeAccount(rig, testimony).map((text) => `${testimony.witness.name}: ${text}`),
  );
}

function judgeAccount(rig: Rig, { witness, account, full }: Testimony): string[] {
  const differences = rig.ports.flatMap((ifindex) => {
    const id = rig.nameOf(ifindex);
    const [sum, tally] = [rig.sums.get(id), account.ports.get(ifindex)];
    if (sum === undefined || tally === undefined) return [`no account of ${id}`];
    const segments = { ingress: sum.ingress, egress: sum.egress };
    const expected = { ...sum, originated: 0, unattributed: 0, segments };
    if (isDeepStrictEqual(expected, tally)) return [];
    return [
      `totals of ${id}\n  model:  ${JSON.stringify(expected)}\n  probes: ${JSON.stringify(tally)}`,
    ];
  });
  if (account.removed !== rig.removed || account.aged !== rig.aged) {
    differences.push(
      `removed ${account.removed} and aged ${account.aged}, model ${rig.removed} and ${rig.aged}`,
    );
  }
  if (account.flooding !== null) differences.push(...judgeFlooding(rig, account.flooding));
  const { lost, errors } = witness.session.records;
  if (lost > 0) differences.push(`${lost} lines were lost`);
  return [...differences, ...errors, ...full];
}

/** What the bridge's own functions say of its floods: of each at least what came out of it. */
function judgeFlooding(rig: Rig, { calls, ports }: Flooding): string[] {
  const floods = { unknownUnicast: 0, multicast: 0, broadcast: 0 };
  const copies = new Map<PortId, number>();
  for (const { outcome } of rig.sent) {
    const { decision } = outcome;
    if (!(decision in floods)) continue;
    floods[decision as keyof typeof floods]++;
    for (const id of outcome.egress) copies.set(id, (copies.get(id) ?? 0) + 1);
  }
  const least = { ...floods, unknownUnicast: undefined, unicast: floods.unknownUnicast };
  const differences = (["unicast", "multicast", "broadcast"] as const)
    .filter((type) => calls[type] < least[type])
    .map((type) => `${calls[type]} ${type} calls of br_flood, model ${least[type]} at least`);
  for (const [ifindex, { considered, copies: got }] of ports) {
    const id = rig.nameOf(ifindex);
    const expected = id === HOST ? 0 : (copies.get(id) ?? 0);
    if (got !== expected) differences.push(`${got} flooded copies at ${id}, model ${expected}`);
    if (considered < got) differences.push(`${id} got ${got} copies of ${considered} floods`);
  }
  return differences;
}
