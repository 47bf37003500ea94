import { describe, expect, test } from "vitest";
import { LEFT_OUT } from "../../../src/kernels/userland-files.ts";

/** What libllvm, libclang1 and libclang-cpp hold in bookworm (14), trixie (19) and sid (21), and 20 by their rule. */
const LIBRARIES: Record<string, string[]> = {
  14: [
    "usr/lib/llvm-14/lib/libclang-cpp.so.14",
    "usr/lib/llvm-14/lib/libclang-14.so.1",
    "usr/lib/llvm-14/lib/libclang.so.1",
    "usr/lib/x86_64-linux-gnu/libclang-14.so.14.0.6",
    "usr/lib/x86_64-linux-gnu/libclang-cpp.so.14",
    "usr/lib/x86_64-linux-gnu/libLLVM-14.so.1",
  ],
  ...Object.fromEntries(
    [19, 20, 21].map((version) => [
      version,
      [
        `usr/lib/llvm-${version}/lib/libclang-cpp.so.${version}.1`,
        `usr/lib/llvm-${version}/lib/libclang-${version}.so.1`,
        `usr/lib/x86_64-linux-gnu/libclang-${version}.so.${version}`,
        `usr/lib/x86_64-linux-gnu/libclang-cpp.so.${version}.1`,
        `usr/lib/x86_64-linux-gnu/libLLVM.so.${version}.1`,
      ],
    ]),
  ),
};

/** Paths of the listing that are not taken, each without what lies below it. */
const dropped = (paths: readonly string[]) => paths.filter((path) => LEFT_OUT.test(path));

describe.each(Object.entries(LIBRARIES))("of LLVM %s", (version, libraries) => {
  const home = `usr/lib/llvm-${version}`;

  test("the libraries that bpftrace loads are taken, with the folders above them", () => {
    expect(dropped(["usr/lib", home, `${home}/lib`, ...libraries])).toEqual([]);
  });

  test("compilers, headers and what else lies beside them is not", () => {
    const beside = ["bin", "bin/clang", "build", "include", "libexec", "share", "share/clang"];
    const paths = beside.map((name) => `${home}/${name}`);
    expect(dropped([...paths, `${home}/lib/libclang.a`])).toEqual([
      ...paths,
      `${home}/lib/libclang.a`,
    ]);
  });
});

test("OpenSSL's engines are left out whatever their version, its libraries are not", () => {
  const folder = "usr/lib/x86_64-linux-gnu";
  const engines = [`${folder}/engines-1.1`, `${folder}/engines-3`, `${folder}/engines-4`];
  expect(dropped([...engines, `${folder}/libssl.so.3`])).toEqual(engines);
});
