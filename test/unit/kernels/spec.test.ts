import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKernelSpec } from "../../../src/kernels/spec.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bridgescope-spec-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("parseKernelSpec", () => {
  test.each(["bullseye", "bookworm", "trixie", "sid"])("knows debian:%s", (suite) => {
    expect(parseKernelSpec(`debian:${suite}`)).toEqual({
      kind: "debian",
      text: `debian:${suite}`,
      suite,
    });
  });

  test("takes a file for an image, with or without modules", () => {
    const image = path.join(folder, "bzImage");
    writeFileSync(image, "");
    expect(parseKernelSpec(image)).toMatchObject({ kind: "image", image, modules: null });
    expect(parseKernelSpec(image, { modules: folder })).toMatchObject({ modules: folder });
  });

  test("takes a folder for a tree once a kernel was built in it", () => {
    expect(() => parseKernelSpec(folder)).toThrow(
      /has no arch\/x86\/boot\/bzImage: build the kernel/,
    );
    mkdirSync(path.join(folder, "arch/x86/boot"), { recursive: true });
    writeFileSync(path.join(folder, "arch/x86/boot/bzImage"), "");
    expect(parseKernelSpec(folder)).toMatchObject({ kind: "tree", tree: folder });
  });

  test.each(["debian:lenny", "fedora:42", "/nowhere/bzImage", ""])("refuses %j", (text) => {
    expect(() => parseKernelSpec(text)).toThrow(/no kernel that is known.*debian:bookworm/);
  });

  test("modules belong to an image, and are a folder", () => {
    expect(() => parseKernelSpec("debian:sid", { modules: folder })).toThrow(/leave --modules out/);
    expect(() => parseKernelSpec(folder, { modules: "/nowhere" })).toThrow(/expects a folder/);
  });
});
