import { UsageError } from "../system/errors.ts";

export const QEMU = "qemu-system-x86_64";

export type Clock = "wall" | "icount";
export type Accelerator = "kvm" | "tcg";

export interface Machine {
  clock: Clock;
  accelerator: Accelerator;
  smp: number;
  memoryMb: number;
  /** Of qemu's random numbers: what the guest draws, and with it the layout of its tables. */
  seed: number;
  /** Bytes that the kernel's command line is made longer by; they move what the kernel allocates. */
  padding: number;
}

export interface Files {
  vmlinuz: string;
  /** null boots to where a root file system is looked for. */
  initrd: string | null;
  /** Where the second serial port writes to; null: there is none. */
  results: string | null;
}

const MOST_PADDING = 1024;

export function checkMachine(machine: Machine): void {
  const { clock, smp, padding, seed, memoryMb } = machine;
  if (clock === "icount" && smp !== 1) {
    throw new UsageError(`counted time has one CPU, and ${smp} were asked for: leave --smp out`);
  }
  const whole = (value: number, most: number, least: number, what: string) => {
    if (Number.isInteger(value) && value >= least && value <= most) return;
    throw new UsageError(`${what} expects a whole number from ${least} to ${most}, not ${value}`);
  };
  whole(smp, 255, 1, "the guest's number of CPUs");
  whole(memoryMb, 1 << 20, 16, "the guest's memory in MB");
  whole(padding, MOST_PADDING, 0, "the padding of the kernel's command line");
  whole(seed, 0xffffffff, 0, "the guest's seed");
}

/** qemu's whole command line: nothing of the user's configuration, no disk, no network, two serial ports. */
export function qemuArguments(machine: Machine, files: Files): string[] {
  const { accelerator, clock, smp, memoryMb, seed } = machine;
  return [
    "-nodefaults",
    "-no-user-config",
    ...["-display", "none"],
    "-no-reboot",
    ...accelerate(accelerator, smp),
    ...(clock === "icount"
      ? ["-icount", "shift=0,sleep=off", "-rtc", "base=2024-01-01T00:00:00,clock=vm"]
      : []),
    ...["-smp", `${smp}`],
    ...["-m", `${memoryMb}`],
    ...["-seed", `${seed}`],
    ...["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"],
    ...(files.results === null
      ? []
      : [
          "-chardev",
          `file,id=results,path=${escaped(files.results)}`,
          "-serial",
          "chardev:results",
        ]),
    ...["-kernel", files.vmlinuz],
    ...(files.initrd === null ? [] : ["-initrd", files.initrd]),
    ...["-append", commandLine(machine)],
  ];
}

function accelerate(accelerator: Accelerator, smp: number): string[] {
  if (accelerator === "kvm") return ["-accel", "kvm", "-cpu", "host"];
  return ["-accel", smp === 1 ? "tcg,thread=single" : "tcg,thread=multi"];
}

/** The kernel speaks early, so that one which dies young is heard; a panic ends the guest. */
function commandLine({ clock, padding }: Machine): string {
  const counted = [
    // Without these the kernel calibrates clocks against each other, and layouts differ by chance.
    "tsc=reliable",
    "clocksource=tsc",
    "random.trust_cpu=off",
    "nokaslr",
    "norandmaps",
  ];
  return [
    "console=ttyS0",
    "earlyprintk=serial,ttyS0,115200",
    "panic=-1",
    "rdinit=/init",
    ...(clock === "icount" ? counted : []),
    // A name with a dot is a parameter of a module that never comes: the kernel is silent about it.
    ...(padding === 0 ? [] : [`bridgescope.pad=${"x".repeat(padding)}`]),
  ].join(" ");
}

/** In qemu's option lists a comma is written twice. */
function escaped(value: string): string {
  return value.replaceAll(",", ",,");
}
