import type { RouteRequest } from "../system/rtnetlink.ts";
import type { Operation } from "./plan.ts";

/** The command that a person would type for one step. */
export function asCommand(operation: Operation): string {
  const { kind, namespace } = operation;
  switch (kind) {
    case "netns":
      return `ip netns add ${namespace}`;
    case "sysctl":
      return `ip netns exec ${namespace} sysctl -w ${operation.key}=${operation.value}`;
    case "route":
      return ["ip", "-n", namespace, ...ipWords(operation.request)].join(" ");
    case "nft":
      return ["ip", "netns", "exec", namespace, "nft", ...operation.words.map(quoted)].join(" ");
    case "ip":
    case "bridge":
      return [kind, "-n", namespace, ...operation.words].join(" ");
  }
}

function ipWords(request: RouteRequest): string[] {
  const { device } = request;
  switch (request.kind) {
    case "bridge":
      return ["link", "add", ...linkWords(request), "type", "bridge"];
    case "veth": {
      const { mtu, peer } = request;
      const far = linkWords({ ...peer, mtu });
      const where = peer.namespace === null ? [] : ["netns", peer.namespace];
      const near = [...linkWords(request), ...QUEUES];
      return ["link", "add", ...near, "type", "veth", "peer", ...far, ...QUEUES, ...where];
    }
    case "set": {
      const { alias, master, to, up } = request;
      return [
        ...["link", "set", "dev", device],
        ...(alias === undefined ? [] : ["alias", alias]),
        ...(master === undefined ? [] : ["master", master]),
        ...(to === undefined ? [] : ["netns", to]),
        ...(up === undefined ? [] : ["up"]),
      ];
    }
    case "address":
      return ["address", "add", request.address, "broadcast", "+", "dev", device];
    case "limit":
      return [
        ...["link", "set", "dev", device],
        ...["type", "bridge", "fdb_max_learned", String(request.learned)],
      ];
    case "neighbours": {
      const { reachableMs, delayProbeMs } = request;
      const times = ["base_reachable", String(reachableMs), "delay_probe", String(delayProbeMs)];
      return ["ntable", "change", "name", "arp_cache", "dev", device, ...times];
    }
  }
}

/** For a shell: nft's braces and semicolons are words of its own. */
function quoted(word: string): string {
  return /^[\w:.-]+$/.test(word) ? word : `'${word}'`;
}

const QUEUES = ["numtxqueues", "1", "numrxqueues", "1"];

function linkWords(link: { device: string; address: string; mtu: number | null }): string[] {
  const mtu = link.mtu === null ? [] : ["mtu", String(link.mtu)];
  return ["name", link.device, "address", link.address, ...mtu];
}
