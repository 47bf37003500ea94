import { execFileSync } from "node:child_process";
import { release } from "node:os";
import { agree } from "./agree.ts";

const report = await agree(JSON.parse(process.argv[2] ?? "{}"));
const bpftrace = execFileSync("bpftrace", ["--version"], { encoding: "utf8" }).trim();
process.stdout.write(JSON.stringify({ release: release(), bpftrace, ...report }));
