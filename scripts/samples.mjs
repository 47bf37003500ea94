// npm run samples: makes what lies in reports/ anew: one of each kind, and pictures of them. Names after it choose:
// run (three minutes), kernels (six, in guests), explanation, pages (from the documents that are there), pictures.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { ensureBuilt } from "./lib/built.mjs";
import { runChild, runStep } from "./lib/child.mjs";
import { Failure, main } from "./lib/failure.mjs";
import { findCommand } from "./lib/find-command.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";
import { BROWSER_PACKAGES, ensureSystemPackages, GUEST_PACKAGES } from "./lib/system-packages.mjs";

const CLI = inRoot("dist", "cli", "main.js");
const LAB = `sample-${process.pid}`;
/** An address of the lab's network and a MAC address that none of its hosts has. */
const GONE = { address: "198.18.0.99", mac: "02:00:00:00:00:99" };
/** Longer than the looking takes, and then they end by themselves. */
const SENDING_S = "12";
/** What explain exits with when it found a flood above threshold, and bench when it found a regression. */
const FOUND = 3;

/** Page, and the part of it. */
const PICTURES = [
  ["run", ["sample", "report.html"], "#latency-12"],
  ["comparison", ["sample-kernels", "compare.html"], "#numbers figure"],
  ["explanation", ["sample-explain", "explain.html"], "#flood-0"],
];

const PAGES = [
  ["sample-kernels", "debian-bookworm", "report"],
  ["sample-kernels", "debian-trixie", "report"],
  ...PICTURES.map(([, [folder, page]]) => [folder, page.replace(".html", "")]),
].flatMap((file) => [
  ["html", [...file.slice(0, -1), `${file.at(-1)}.html`]],
  ["markdown", [...file.slice(0, -1), `${file.at(-1)}.md`]],
]);

const SAMPLES = { run, kernels, explanation, pages, pictures };

await main(async () => {
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !Object.hasOwn(SAMPLES, name));
  if (unknown !== undefined) {
    throw new Failure(`no sample "${unknown}"; there are ${Object.keys(SAMPLES).join(", ")}`, 2);
  }
  await setUp();
  await ensureBuilt(say);
  for (const [name, make] of Object.entries(SAMPLES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    say(`sample: ${name}`);
    await make();
  }
  return 0;
});

function bridgescope(...words) {
  return runStep(`bridgescope ${words[0]}`, process.execPath, [CLI, ...words], { cwd: inRoot() });
}

/** The same where FOUND is no failure; what it prints is in the reports too. */
async function found(...words) {
  const stdio = ["ignore", "ignore", "inherit"];
  const { exitCode } = await runChild(process.execPath, [CLI, ...words], { cwd: inRoot(), stdio });
  if (![0, FOUND].includes(exitCode)) {
    throw new Failure(`bridgescope ${words[0]} ended with ${exitCode}`);
  }
  return exitCode === FOUND;
}

function run() {
  return bridgescope("bench", "article", "--out", "reports/sample");
}

async function kernels() {
  await ensureSystemPackages(GUEST_PACKAGES, say);
  const both = ["--kernel", "debian:bookworm", "--kernel", "debian:trixie"];
  const out = ["--seed", "11", "--out", "reports/sample-kernels"];
  await found("bench", ...both, "--clock", "icount", ...out);
}

/** A host that has gone while another still sends to it, and one that broadcasts without end. */
async function explanation() {
  const lab = JSON.parse(
    execFileSync(process.execPath, [CLI, "lab", "up", "bridge:6", "--name", LAB, "--json"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }),
  );
  const at = (host, ...words) => ["lab", "exec", LAB, host, "--", ...words];
  try {
    const neighbour = ["ip", "neigh", "replace", GONE.address, "lladdr", GONE.mac, "dev", "eth0"];
    await bridgescope(...at("h1", ...neighbour));
    const pings = [
      at("h1", "ping", "-q", "-w", SENDING_S, "-i", "0.002", GONE.address),
      at("h3", "ping", "-q", "-b", "-w", SENDING_S, "-i", "0.005", "198.19.255.255"),
    ];
    const senders = pings.map((words) =>
      runChild(process.execPath, [CLI, ...words], { stdio: "ignore" }),
    );
    try {
      await sleep(1000);
      await explained(lab);
    } finally {
      await Promise.all(senders);
    }
  } finally {
    await bridgescope("lab", "down", LAB);
  }
}

async function explained({ bridge }) {
  const where = [bridge.device, "--netns", bridge.namespace];
  const how = ["--duration", "5s", "--broadcast", "50", "--max-overhead", "100%"];
  const flooded = await found("explain", ...where, ...how, "--out", "reports/sample-explain");
  if (!flooded) throw new Failure("explain found no flood, and the bridge floods");
}

/** Every page, and its Markdown, again from its document, as this version draws it. */
function pages() {
  for (const [format, file] of PAGES) {
    const words = [CLI, "report", inRoot("reports", ...file.slice(0, -1)), "--format", format];
    const text = execFileSync(process.execPath, words, { maxBuffer: 1 << 24 });
    writeFileSync(inRoot("reports", ...file), text);
  }
}

/** The parts that a page is known by, in both themes. */
async function pictures() {
  await ensureSystemPackages(BROWSER_PACKAGES, say);
  const { chromium } = await import("playwright-core");
  mkdirSync(inRoot("reports", "pictures"), { recursive: true });
  const browser = await chromium.launch({
    executablePath: findCommand("chromium"),
    args: ["--no-sandbox"],
  });
  try {
    for (const colorScheme of ["light", "dark"]) {
      for (const [name, file, part] of PICTURES) {
        const context = await browser.newContext({
          colorScheme,
          viewport: { width: 1000, height: 900 },
        });
        const page = await context.newPage();
        await page.goto(pathToFileURL(inRoot("reports", ...file)).href);
        await page.evaluate(`document.querySelector("${part} details, ${part}").open = true`);
        const path = inRoot("reports", "pictures", `${name}-${colorScheme}.png`);
        await page.locator(part).first().screenshot({ path });
        await context.close();
      }
    }
  } finally {
    await browser.close();
  }
}
