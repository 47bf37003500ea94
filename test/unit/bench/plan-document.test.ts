import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Plan } from "../../../src/bench/plan/plan.ts";
import { planDocument, planOfDocument } from "../../../src/bench/plan/plan-document.ts";
import { type BenchRequest, planFor } from "../../../src/bench/plan/request.ts";
import { UsageError } from "../../../src/system/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "bridgescope-plan-"));
afterAll(() => rmSync(folder, { recursive: true }));

const lab = join(folder, "lab.yaml");
writeFileSync(lab, "hosts: [{ name: web }, { name: db }]\nbridge: { ageing_time: 5s }\n");

const SEED = 11;
const handedOn = (plan: Plan) => planOfDocument(JSON.stringify(planDocument(plan, SEED)), "p.json");

describe("a plan that is handed on as a document", () => {
  it.each<[string, string | undefined, BenchRequest]>([
    ["the article", "article", {}],
    ["a quick one with a budget", "quick", { budget: "40s", backend: "tracepoint" }],
    ["marginal costs", "marginal", {}],
    ["instructions", "icount", { rounds: 2 }],
    [
      "whatever the command line can say",
      undefined,
      {
        ...{ topology: ["bridge:4,ageing_time=5s", lab], workload: ["flood", "forward"] },
        ...{ rounds: 3, duration: "120ms", latencySessions: 4, network: "10.9.0.0/24", cpus: "0" },
        ...{ frameSize: 128, senders: 2, rate: 1000 },
      },
    ],
    ["a search", undefined, { workload: ["throughput"], pattern: "fully-meshed" }],
  ])("is the same plan: %s", (_, name, request) => {
    const { plan } = planFor(name, request);
    expect(handedOn(plan)).toEqual({ plan, seed: SEED });
  });

  it("carries the text of a topology file, which need not be there any more", () => {
    const { plan } = planFor(undefined, { topology: [lab] });
    const text = JSON.stringify(planDocument(plan, SEED)).replaceAll(lab, "/gone/lab.yaml");
    const [one] = planOfDocument(text, "p.json").plan.cases;
    expect(one?.topology.hosts.map(({ name }) => name)).toEqual(["web", "db"]);
  });

  it("is refused for a network of this host", () => {
    const { plan } = planFor(undefined, { topology: ["attach:1,2"] });
    expect(() => planDocument(plan, SEED)).toThrow(UsageError);
  });

  it.each([
    ["{", "not JSON"],
    ["{}", "at schema"],
    [JSON.stringify({ ...planDocument(planFor("quick", {}).plan, 1), cpu: 1 }), "cpu"],
    [JSON.stringify({ ...planDocument(planFor("quick", {}).plan, 1), rounds: 0 }), "at rounds"],
  ])("that is none is refused: %s", (text, said) => {
    expect(() => planOfDocument(text, "p.json")).toThrow(UsageError);
    expect(() => planOfDocument(text, "p.json")).toThrow(said);
  });

  it("decides everything, so that nothing may be said beside it", () => {
    const file = join(folder, "plan.json");
    writeFileSync(file, JSON.stringify(planDocument(planFor("quick", {}).plan, SEED)));
    expect(planFor(file, {}).seed).toBe(SEED);
    expect(() => planFor(file, { rounds: 3 })).toThrow("leave out rounds");
  });
});
