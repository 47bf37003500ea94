/** What `explain --bundle --mask` writes, searched for every secret of a bridge that has one in every place. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { release } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { BridgeState } from "../../../src/bridge/state.ts";
import { explainSchema } from "../../../src/document/explain.ts";
import { WORDS } from "../../../src/explain/words.ts";
import { macBytes, macInteger } from "../../../src/text/mac-address.ts";
import { scratch, start } from "../bench/cli.ts";
import { type HostState, hostChanges, hostState, tagged } from "../host-state.ts";

const FIXTURES = path.resolve("test/fixtures/explain");

/** In the plain bundle, which shows that they are where a bundle could quote them. */
const NAMES = [
  ...["qxbridge", "qxbridge:qxl", "qxport", "qxpeer", "qxguest", "qxhome", "qxbehind", "qxother"],
  ...[
    "qxoport",
    "qxunder",
    "qxvxlan",
    "qxtap",
    "qxinside",
    "qxgone",
    "qxgonepeer",
    "qxspace/qxpod",
  ],
  ...["qxaltname-of-some-length", "qxalias of a port", "qxaltname-of-another-bridge"],
  ...["qxalias of another bridge", "qxgroup", "qxgroupvx", "qxtable-of-routes", "qxproto"],
  ...["qxlate", "qxchild", "qxcomm", "qxcontainer", "qxeth", "c35e71a9f04b2d68"],
  ...["qxtable", "qxset", "qxcomment of a set", "qxelement", "qxmap", "qxcounter", "qxquota"],
  ...["qxchain", "qxrule of a chain", "qxhook", "qxwild", "qxlog ", "qxinet", "qxhelper", "qxpost"],
  ...["QX-CHAIN", "qx comment with words", "qxstring", "qx six", "QXEB", "qxfailure of a tool"],
  ...["qxleads", "qxdrops what is pinged"],
];
const MACS = [
  1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15, 0x20, 0x21, 0x22, 0x23, 0x24, 0x50, 0x51, 0x60,
].map((last) => `52:54:99:c3:5e:${last.toString(16).padStart(2, "0")}`);
const IPV4 = [
  ...["10.155.71.1", "10.155.71.20", "10.155.71.22", "10.155.71.30", "10.155.72.1"],
  ...["10.155.72.2", "10.155.72.3", "10.155.80.0", "10.155.90.1", "10.155.91.0"],
  ...["10.155.71.3", "10.155.71.6", "10.155.81.0", "10.155.92.1", "10.155.93.1"],
  ...["10.155.71.40", "10.155.71.41", "10.155.72.4"],
  ...["239.166.77.88", "239.166.77.89", "239.166.77.90", "239.166.77.91"],
];
const IPV6 = [
  ...[0x01, 0x03, 0x21, 0x24, 0x31, 0x51, 0x61].map((last) => `fd55:8a6e:3d1::c35e:71${hex(last)}`),
  ...["fd55:8a6e:3d2::", "ff05::c35e:7140", "ff05::c35e:7141"],
  // The bridge's link-local address, of its MAC address.
  "fe80::5054:99ff:fec3:5e01",
];
/** Seen in frames only: real ones in what is printed. */
const IN_FRAMES = ["qxfdb", "52:54:99:c3:5e:61", "52:54:99:c3:5e:62", "10.155.71.62"];
/** Around it, and in no bundle at all. */
const AROUND = [
  ...["qxhostname", "qxuser", "qxvariable", "qxfolder", "qxargument", "qxelsewhere"],
  "52:54:99:c3:5e:0e",
  ...["qxopeer", "52:54:99:c3:5e:09"],
  ...["qxaltname-of-a-peer", "10.155.82.0"],
  // A kernel that somebody built carries their name for it.
  ...release()
    .split("-")
    .slice(1)
    .filter((word) => word.length > 2 && /[a-z]/.test(word) && !WORDS.has(word)),
  ...readFileSync("/proc/cmdline", "utf8")
    .split(/[\s=]+/)
    .filter((word) => /^[0-9a-f-]{8,}$/.test(word)),
];
/** Whatever carries it, in whatever form. */
const MARKS = [
  /qx/i,
  /c3[:.-]?5e/i,
  /5e[:.-]?c3/i,
  /52:54:99|(?<!\d)525499(?!\d)/i,
  /fd55|8a6e/i,
  /10\.155\./,
];

const PLANTED = [...NAMES, ...MACS, "03:54:99:c3:5e:70", ...IPV4, ...IPV6];

let stage: ChildProcess;
let said = "";
let before: HostState;
const folder = scratch();
const home = path.join(folder.path, "qxuser");

beforeAll(async () => {
  before = hostState();
  mkdirSync(path.join(home, "bin"), { recursive: true });
  put("iptables-save", `cat ${FIXTURES}/iptables-save.txt ${FIXTURES}/ip6tables-save.txt`);
  put("ip6tables-save", "echo qxfailure of a tool >&2; exit 1");
  // A device that comes after all others were looked at, and goes again.
  const real = 'PATH="$(echo "$PATH" | cut -d: -f2-)" tc "$@"';
  put(
    "tc",
    `ip link add qxlate type ifb; ip link set qxlate up; ${real}; code=$?; ip link del qxlate; exit $code`,
  );
  put("ebtables-save", `cat ${FIXTURES}/ebtables-save.txt`);
  const words = ["--mount", "--uts", "--net", "bash", `${FIXTURES}/leaks.sh`];
  stage = spawn("unshare", [...words, path.join(home, "bin"), process.execPath], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...tagged },
  });
  for (const stream of [stage.stdout, stage.stderr]) {
    stream?.on("data", (data) => {
      said += String(data);
    });
  }
  await heard("ready");
  for (const [line] of said.matchAll(/^skipped: .*$/gm)) process.stdout.write(`${line}\n`);
});
afterAll(async () => {
  if (stage.exitCode === null) {
    const ended = once(stage, "close");
    stage.stdin?.end();
    await ended;
  }
  folder.remove();
  expect(await hostChanges(before, 5000)).toEqual({});
});

/** A tool that is found before the real one. */
function put(tool: string, body: string): void {
  const file = path.join(home, "bin", tool);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
}

async function heard(word: string): Promise<void> {
  while (!new RegExp(`^${word}$`, "m").test(said)) {
    if (stage.exitCode !== null) throw new Error(`the stage ended: ${said}`);
    await Promise.race([once(stage.stdout ?? stage, "data"), once(stage, "close")]);
  }
}

async function tell(word: string): Promise<void> {
  stage.stdin?.write(`${word}\n`);
  await heard(word);
}

function explain(...words: string[]) {
  const env = {
    ...{ HOME: home, USER: "qxuser", QXENVIRONMENT: "qxvariable" },
    PATH: `${path.join(home, "bin")}:${process.env.PATH}`,
  };
  const enter = ["nsenter", `--target=${stage.pid}`, "--mount", "--uts", "--net", "--"];
  return start(["explain", "qxbridge", "--netns", "qxhome", ...words], env, enter);
}

function textOf(bundle: string): string {
  return readdirSync(bundle)
    .flatMap((name) => [name, readFileSync(path.join(bundle, name), "latin1")])
    .join("\n");
}

it("is about secrets that a plain bundle quotes", async () => {
  const bundle = path.join(home, "qxfolder-plain");
  expect((await explain("--no-probes", "--bundle", bundle).finished).code).toBe(0);
  const text = textOf(bundle);
  expect(PLANTED.filter((secret) => leaksIn(text, [secret]).length === 0)).toEqual([]);
});

it("quotes none of them masked, whatever vanishes meanwhile, and tells the same story", async () => {
  const bundle = path.join(home, "qxfolder-masked");
  const asked = ["--duration", "6s", "--max-overhead", "100%", "--json"];
  const running = explain(...asked, "--bundle", bundle, "--mask");
  await running.saw("looking at frames");
  await tell("readdress");
  await tell("forget");
  await tell("vanish");
  const { code, stdout, stderr } = await running.finished;
  expect(code).toBe(3);
  expect(IN_FRAMES.filter((secret) => leaksIn(stdout, [secret]).length === 0)).toEqual([]);

  const written = [textOf(bundle), stderr.replaceAll(bundle, "")].join("\n");
  expect(leaksIn(written, [...PLANTED, ...IN_FRAMES, ...AROUND])).toEqual([]);
  expect(MARKS.flatMap((mark) => marked(written, mark))).toEqual([]);

  const read = (name: string) => readFileSync(path.join(bundle, name), "utf8");
  const shown = explainSchema.parse(JSON.parse(read("explanation.json")));
  const real = explainSchema.parse(JSON.parse(stdout));
  expect(outline(shown)).toEqual(outline(real));
  const causes = real.findings.map(({ cause }) => cause);
  expect(causes).toEqual(expect.arrayContaining(["destination-gone", "entry-removed"]));
  // Who believes in the one who is gone is somebody behind a port.
  const gone = shown.findings.find(({ cause }) => cause === "destination-gone");
  expect(gone?.title).toContain(`${gone?.ingressPort?.owner} has `);
  expect(read("peers-neighbours.txt")).toContain(
    `${gone?.ingressPort?.owner}: ${gone?.addresses.destination} dev `,
  );
  expect(read("peers-neighbours.txt")).toContain(`lladdr ${gone?.destination} PERMANENT`);
  // The address that the bridge had before, and the one that it has.
  const state: BridgeState = JSON.parse(read("state.json"));
  expect(state.formerAddresses).toHaveLength(1);
  expect(state.formerAddresses).not.toContain(state.address);
  const links: { ifname: string; address: string }[] = JSON.parse(read("links.json"));
  const port = links.find(({ ifname }) => ifname === gone?.ingressPort?.name);
  expect(read("fdb.json")).toContain(`{"mac":"${port?.address}","ifname":"${port?.ifname}"`);
});

it("says nothing of a bridge that vanishes itself", async () => {
  const bundle = path.join(home, "qxfolder-gone");
  const running = explain("--duration", "3s", "--bundle", bundle, "--mask");
  await running.saw("looking at frames");
  await tell("remove");
  expect((await running.finished).code).not.toBe(0);
  const text = existsSync(bundle) ? textOf(bundle) : "";
  expect(leaksIn(text, [...PLANTED, ...IN_FRAMES, ...AROUND])).toEqual([]);
  expect(MARKS.flatMap((mark) => marked(text, mark))).toEqual([]);
});

function marked(text: string, mark: RegExp): string[] {
  return text.match(new RegExp(`.{0,40}(?:${mark.source}).{0,40}`, mark.flags)) ?? [];
}

const KEPT = ["schema", "cause", "severity", "basis"];

/** An explanation without what a mask may change. */
function outline(value: unknown, key = ""): unknown {
  if (typeof value === "string") return KEPT.includes(key) ? value : "text";
  if (Array.isArray(value)) return value.map((one) => outline(one, key));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, outline(one, name)]));
}

/** As a secret could be written by whoever does not mean to. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const plain = [secret, [...secret].reverse().join(""), bytes.toString("hex")];
  plain.push([...bytes].map((byte) => `%${hex(byte)}`).join(""), encodeURIComponent(secret));
  // Without what depends on its neighbours, for each place where it can begin.
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    plain.push(
      encoded.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + bytes.length) * 4) / 3)),
    );
  }
  if (/^(?:[0-9a-f]{2}:){5}/.test(secret)) plain.push(...macSpellings(secret));
  if (/^\d+(?:\.\d+){3}$/.test(secret)) plain.push(...ipv4Spellings(secret));
  if (/^[0-9a-f]*:.*::/.test(secret)) plain.push(...ipv6Spellings(secret));
  return plain;
}

function macSpellings(mac: string): string[] {
  const bytes = [...macBytes(mac)];
  const digits = bytes.map((byte) => hex(byte)).join("");
  const [first = 0, ...others] = bytes;
  const eui = [first ^ 2, ...others.slice(0, 2), 0xff, 0xfe, ...others.slice(2)].map(hex).join("");
  return [
    ...[digits, digits.match(/..../g)?.join(".") ?? "", bytes.map(hex).join("-")],
    ...[bytes.map((byte) => byte.toString(16)).join(":"), bytes.map(hex).reverse().join(":")],
    ...[bytes.map(hex).reverse().join(""), String(macInteger(mac)), macInteger(mac).toString(16)],
    ...[
      eui
        .match(/..../g)
        ?.map((group) => group.replace(/^0+/, ""))
        .join(":") ?? "",
      eui,
    ],
    // Its solicited-node group, and the MAC address of that.
    ...[`:ff${digits.slice(6, 8)}:${digits.slice(8)}`, `ff:${mac.slice(9)}`],
  ];
}

function ipv4Spellings(ip: string): string[] {
  const bytes = ip.split(".").map(Number);
  const number = Buffer.from(bytes).readUInt32BE();
  const digits = bytes.map(hex).join("");
  const groups = [`${digits.slice(0, 4)}:${digits.slice(4)}`.replace(/(^|:)0+/g, "$1")];
  return [
    ...[
      [...bytes].reverse().join("."),
      digits,
      `0x${number.toString(16)}`,
      String(number),
      ...groups,
    ],
    bytes.join("-"),
  ];
}

function ipv6Spellings(ip: string): string[] {
  const [head = "", tail = ""] = ip.split("::");
  const groups = (half: string) => half.split(":").filter((group) => group !== "");
  const zeros = Array(8 - groups(head).length - groups(tail).length).fill("0");
  const all = [...groups(head), ...zeros, ...groups(tail)];
  const digits = all.map((group) => group.padStart(4, "0"));
  return [
    all.join(":"),
    digits.join(":"),
    digits.join(""),
    [...digits.join("")].reverse().join("."),
    // Its solicited-node group; a prefix has none.
    ...(digits[7] === "0000" ? [] : [`:ff${digits[6]?.slice(2)}:${digits[7]?.replace(/^0+/, "")}`]),
  ];
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** Those of the secrets that the text holds, by the spelling in which it does. */
function leaksIn(text: string, secrets: readonly string[]): string[] {
  const lower = text.toLowerCase();
  return secrets.flatMap((secret) => {
    const found = spellings(secret).find((one) =>
      one.length < 8 ? holds(lower, one) : text.includes(one) || holds(lower, one),
    );
    return found === undefined ? [] : [`${secret} as ${found}`];
  });
}

/** As a word of its own: 10.155.71.3 is not in 10.155.71.30. */
function holds(lower: string, spelling: string): boolean {
  const [begin, end] = [
    /^\w/.test(spelling) ? "(?<!\\w)" : "",
    /\w$/.test(spelling) ? "(?!\\w)" : "",
  ];
  const literal = spelling.toLowerCase().replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
  return new RegExp(`${begin}${literal}${end}`).test(lower);
}
