/** What a reader must not miss is in every format that people read. */
import { describe, expect, test } from "vitest";
import type { Run } from "../../../src/document/run.ts";
import { formatNamed } from "../../../src/report/formats.ts";
import { duration } from "../../../src/text/units.ts";
import { bookwormRun, tcgRun } from "../../fixtures/report/kernels.ts";
import { brokenRun, completeRun, interruptedRun, largeRun } from "../../fixtures/report/runs.ts";

describe.each(["terminal", "markdown", "html"])("%s says", (format) => {
  const text = (run: Run) => squeezed(formatNamed(format)?.render(run) ?? "");

  test("failed checks with command, expected and observed", () => {
    const said = text(brokenRun());
    expect(said).toContain("the bridge does not call the firewall");
    expect(said).toContain("cat /sys/class/net/bs0br/bridge/nf_call_iptables");
    expect(said).toContain("(net.bridge.bridge-nf-call-iptables = 1)");
    expect(said).toContain("1 passed, 1 failed");
  });

  test("books that do not balance, and where", () => {
    const said = text(brokenRun());
    expect(said).toContain("BOOKS DO NOT BALANCE, 14 unaccounted");
    expect(said).toContain("bs0p0 ingress -2 frames; bs0p1 egress +12 segments");
    expect(text(completeRun())).not.toContain("DO NOT BALANCE");
  });

  test("frames without exactly one decision", () => {
    const run = completeRun();
    const bridge = run.cases[2]?.bridge;
    if (bridge !== undefined) bridge.decisions.knownUnicast -= 5;
    expect(text(run)).toContain("+5 frames in without exactly one decision");
  });

  test("ports that cannot be compared, and why", () => {
    expect(text(brokenRun())).toContain("a physical port counts the FCS and its own drops");
  });

  test("degraded probes, lost and missed records, what cannot be seen", () => {
    const said = text(brokenRun());
    expect(said).toContain("start full: 4096 of 4096 keys, updates were dropped");
    expect(said).toContain("131,580 probe records lost; 7 probe firings missed");
    expect(said).toContain("80 copies whose ingress frame could not be told");
    expect(said).toContain("QDISC_BYPASS hides the sender");
  });

  test("interruptions and failures, with the reason", () => {
    const said = text(interruptedRun());
    expect(said).toContain("The run was interrupted: 1 of 3 recorded cases is complete.");
    expect(said).toContain("SIGINT after 6 of 24 rounds");
    expect(said).toContain("could not make bs0p5: File exists");
    expect(said).toMatch(/bridge:8\/flood.{0,80}failed/i);
  });

  test("drops by reason and place", () => {
    const said = text(completeRun());
    expect(said).toContain("2,331,004");
    expect(said).toContain("CPU_BACKLOG");
    expect(said).toContain("ip_rcv_core in bs0-h7");
  });

  test("discarded rounds, warnings and noise", () => {
    const said = text(completeRun());
    expect(said).toContain("1 of 24 rounds discarded: steal 12 % of the CPU");
    expect(said).toContain("measures the backlog, not the bridge");
    expect(said).toContain("0.4 % of the CPU time was stolen");
  });

  test("the headline, its quartiles and its rounds, without the discarded ones", () => {
    const said = text(completeRun());
    expect(said).toContain("65.9 µs");
    expect(said).toMatch(/64\.3 \.\. 67\.0/);
  });

  test("where round trips lie, from what their clock counts, and what the rate missed", () => {
    const run = completeRun();
    const trips = run.cases[4]?.roundTrip;
    if (trips === undefined) throw new Error("fixture");
    Object.assign(trips, { p2_5: 1.01e3, p50: 2.02e3, p97_5: 3.03e3, p99: 4.04e3, p999: 5.05e3 });
    trips.max = 6.06e3;
    trips.missedSlots = 4711;
    const said = text(run);
    const words = said.replaceAll(/[ |]/g, "");
    expect(words).toMatch(/2\.5%50%97\.5%99%99\.9%max.*1\.01µs2\.02µs3\.03µs4\.04µs5\.05µs6\.06µs/);
    expect(said).toContain("request sent");
    expect(said).toContain("intended send time");
    expect(said).toContain("4,711");
    expect(said).toContain("4,000");
    expect(text(brokenRun())).not.toContain("97.5 %");
  });

  test("net times of stages beside what was measured, the probes' share, and the slow-down", () => {
    const run = completeRun();
    const item = run.cases.find(({ id }) => id === "bridge:4/forward") ?? expect.fail();
    const [first] = run.cases.flatMap(({ probe }) => probe?.slowdown ?? []);
    const stage = item.latency["bridge.forward"] ?? expect.fail();
    if (first === undefined) throw new Error("fixture");
    Object.assign(first, { value: 4.9, ci: [4.71, 5.13] });
    Object.assign(stage, { p10: 401, p50: 502, p90: 603 });
    Object.assign(stage.raw, { p50: 1063, p99: 4321 });
    const said = text(run);
    expect(said).toMatch(/net of the probes/);
    expect(said.replaceAll(/[ |]/g, "")).toMatch(/bridge\.forward401ns502ns603ns/);
    expect(said).toContain("1.06 µs");
    expect(said).toContain("4.32 µs");
    expect(said).toMatch(/[Rr]aw: as measured, with the probes in it/);
    expect(said).toMatch(/4\.90x slower \(4\.71 \.\. 5\.13\)|4\.90 \(4\.71 \.\. 5\.13\)/);
    expect(said).not.toContain("probes on");
  });

  test("that the probes are most of a stage, and why net times are withheld", () => {
    const said = text(completeRun());
    expect(said).toContain("more than half of what was measured is the probes' own");
    expect(said).toContain("net times withheld: only 12 frames were timed");
    const raw = completeRun().cases[3]?.latency["bridge.learn"]?.raw.p50 ?? Number.NaN;
    expect(said).toContain(duration(raw));
  });

  test("how each case stands against what nobody watched", () => {
    const said = text(completeRun());
    expect(said).toMatch(
      /stages 1\.4\d µs \(veth\.in \+ bridge\.forward \+ veth\.out\) of 1\.84 µs unobserved, 0\.7\d+ \([^)]+\): passed/,
    );
    expect(said).toMatch(
      /bridge:4,nf_call=1\/udp-rr:?( time check:)? ?no verdict: path: not timed/,
    );
  });

  test("first that latencies are withheld where a time check failed, and why", () => {
    const said = text(brokenRun());
    const at = said.search(/FAILED: the stages come to 134 % of what the frame took/);
    expect(at).toBeGreaterThan(0);
    expect(said.slice(at)).toMatch(/^[^.]*; the latencies of this case are withheld/);
    expect(at).toBeLessThan(said.search(/Stage latency|\d+\.\d+ frames dropped/));
    expect(said).toContain("net times withheld: time check: the stages come to 134 %");
  });

  test("nothing of the kind where instructions were counted", () => {
    const said = text(bookwormRun());
    expect(said).toContain("Instructions by stage");
    expect(said).toContain("net of the probes");
    expect(said).not.toContain("more than half");
  });

  test("why one more of something has no cost", () => {
    expect(text(completeRun())).toMatch(/none.{0,20}it takes a kernel with CONFIG_BRIDGE_VLAN/);
  });

  test("what observing cost", () => {
    const said = text(completeRun());
    expect(said).toContain("2.18");
    expect(said).toMatch(/118/);
    expect(said).toContain("tracepoint:net:net_dev_queue");
  });
});

describe.each(["terminal", "markdown", "html", "commit"])("%s says of a guest", (format) => {
  const text = (run: Run) => squeezed(formatNamed(format)?.render(run) ?? "");

  test("that times under TCG mean nothing, before any of them", () => {
    const said = text(tcgRun());
    const at = said.indexOf("no time and no rate of this run means anything");
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(said.search(/1\.85 [µu]s/));
  });

  test("instructions as the mode with what boots disagree on, not the median", () => {
    const run = bookwormRun();
    const latency = run.cases[0]?.latency["bridge.forward"];
    if (latency === undefined) throw new Error("fixture");
    latency.p50 = 1337;
    const said = text(run);
    expect(said).toContain("1,331");
    expect(said).toContain("1,331 .. 1,381");
    if (format !== "html") expect(said).not.toContain("1,337");
  });
});

describe.each(["terminal", "markdown", "html"])("%s says of function probes", (format) => {
  const said = squeezed(formatNamed(format)?.render(bookwormRun()) ?? "");

  test.each([
    ["the guest", "linux-image-6.1.0-41-cloud-amd64 6.1.158-1"],
    ["its boots", "seed 12 padding 16"],
    ["the functions", "fentry attaches to 5 of 7"],
    ["what cannot be probed", "inlined"],
    ["the probes' own instructions", "53 instructions of the probes' own taken out"],
    ["the bridge's floods", "calls of br_flood"],
  ])("%s", (_, words) => {
    expect(said).toContain(words);
  });
});

test("alarms come before results", () => {
  const text = formatNamed("html")?.render(brokenRun()) ?? "";
  const at = (words: string) => text.indexOf(words);
  expect(at("BOOKS DO NOT BALANCE")).toBeLessThan(at("became 300,000 copies"));
  expect(at("4096 of 4096")).toBeLessThan(at("became 300,000 copies"));
});

describe("a plan of a hundred cases", () => {
  const run = largeRun(100);
  const ids = run.cases.map((item) => item.id);

  test("fits a pull request", () => {
    const text = formatNamed("markdown")?.render(run) ?? "";
    expect(Buffer.byteLength(text)).toBeLessThan(60_000);
    expect(missing(text, ["more rows: see report.html", "294 passed, 6 failed"])).toEqual([]);
    expect(missing(text, ids)).toEqual([]);
  });

  test("fits a mail", () => {
    const text = formatNamed("html")?.render(run) ?? "";
    expect(Buffer.byteLength(text)).toBeLessThan(2_000_000);
    expect(missing(text, ids)).toEqual([]);
    expect(text).toContain("too large for this page: it is run.json, beside this file");
  });

  test("has its document in the mail where it is one of forty", () => {
    const text = formatNamed("html")?.render(largeRun(40)) ?? "";
    expect(Buffer.byteLength(text)).toBeLessThan(2_000_000);
    expect(text).toContain("data:application/gzip");
  });
});

function missing(text: string, words: readonly string[]): string[] {
  return words.filter((word) => !text.includes(word));
}

// Whatever a format puts between words of a sentence.
function squeezed(text: string): string {
  return text
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll(/<style>.*?<\/style>|<\/?[a-z][^>]*>|`/gs, "")
    .replaceAll(/\s+/g, " ");
}
