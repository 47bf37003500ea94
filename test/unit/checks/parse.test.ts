import { describe, expect, test } from "vitest";
import { parseMountinfo } from "../../../src/setup/checks/mountinfo.ts";
import { readPing } from "../../../src/setup/checks/ping.ts";
import { parseLinkLine } from "../../../src/setup/checks/veth.ts";

describe("mountinfo", () => {
  test("reads root, mount point and type around the optional fields", () => {
    const text = [
      "64 44 254:0 /run/netns /run/netns rw,relatime master:1 - ext4 /dev/vda rw,discard",
      "69 68 0:4 net:[4026532178] /run/netns/test rw shared:3 - nsfs nsfs rw",
      "70 68 0:4 / /mnt/a\\040b\\134c rw - tmpfs none rw",
      "",
    ].join("\n");
    expect(parseMountinfo(text)).toEqual([
      { root: "/run/netns", mountPoint: "/run/netns", type: "ext4" },
      { root: "net:[4026532178]", mountPoint: "/run/netns/test", type: "nsfs" },
      { root: "/", mountPoint: "/mnt/a b\\c", type: "tmpfs" },
    ]);
  });

  test("passes over what is no mount", () => {
    expect(parseMountinfo("garbage\n\n")).toEqual([]);
  });
});

describe("a line of `ip -o link`", () => {
  const tail =
    "mtu 1500 qdisc noop state DOWN mode DEFAULT group default qlen 1000\\    link/ether";
  const mac = "c6:43:84:2b:cc:1a brd ff:ff:ff:ff:ff:ff";

  test("a peer in another namespace, which has a name", () => {
    const line = `876: veth0@if875: <BROADCAST,MULTICAST> ${tail} ${mac} link-netns B`;
    expect(parseLinkLine(line)).toEqual({
      ifindex: 876,
      name: "veth0",
      peer: "if875",
      peerNamespace: "B",
    });
  });

  test("a peer in another namespace, which has none", () => {
    const line = `876: veth0@if875: <BROADCAST,MULTICAST> ${tail} ${mac} link-netnsid 0`;
    expect(parseLinkLine(line)?.peerNamespace).toBeNull();
  });

  test("a peer in the same namespace, and no peer", () => {
    expect(parseLinkLine(`3: veth0@veth1: <UP> ${tail} ${mac}`)?.peer).toBe("veth1");
    expect(parseLinkLine(`1: lo: <LOOPBACK> ${tail} ${mac}`)?.peer).toBeNull();
  });

  test("anything else", () => {
    expect(parseLinkLine('Device "veth1" does not exist.')).toBeNull();
  });
});

describe("ping", () => {
  test("an answer carries its time", () => {
    const stdout =
      "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.\n64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.281 ms\n";
    const answer = readPing({ stdout, stderr: "", exitCode: 0 });
    expect(answer).toEqual({ answered: true, said: "answered after 0.281 ms" });
  });

  test("a refusal is told in ping's own words", () => {
    const stderr = "ping: connect: Network is unreachable\n";
    const answer = readPing({ stdout: "", stderr, exitCode: 2 });
    expect(answer).toEqual({ answered: false, said: "ping: connect: Network is unreachable" });
  });

  test("silence is told by the count of packets", () => {
    const stdout =
      "PING 192.168.1.2 (192.168.1.2) 56(84) bytes of data.\n\n--- 192.168.1.2 ping statistics ---\n1 packets transmitted, 0 received, 100% packet loss, time 0ms\n";
    const answer = readPing({ stdout, stderr: "", exitCode: 1 });
    expect(answer).toEqual({
      answered: false,
      said: "1 packets transmitted, 0 received, 100% packet loss, time 0ms",
    });
  });

  test("no words at all leave the exit status", () => {
    const answer = readPing({ stdout: "", stderr: "", exitCode: 1 });
    expect(answer.said).toBe("exit status 1");
  });
});
