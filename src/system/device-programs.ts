/** The BPF programs on the devices of a network namespace: XDP, tcx, and those of tc's filters. */
import { tcxPrograms } from "./bpf-objects.ts";
import {
  attributesOf,
  dump,
  numberAttribute,
  textAttribute,
  withDumpSocket,
} from "./netlink-dump.ts";
import { inNamespace, type NetworkNamespace } from "./netns.ts";
import { LINK_HEADER, RTM_GETLINK } from "./uapi.ts";

const RTM_GETTFILTER = 46;
/** struct tcmsg: family, padding, ifindex, handle, parent, info. */
const TC_HEADER = 20;
const IFLA_NAME = 3;
const IFLA_XDP = 43;
/** IFLA_XDP_PROG_ID, and those of the driver's, the generic and the hardware's own place. */
const XDP_IDS = [4, 5, 6, 7];
const TCA_OPTIONS = 2;
const TCA_BPF_ID = 11;
/** The two hooks of clsact and ingress, TC_H_MIN_INGRESS and TC_H_MIN_EGRESS below TC_H_CLSACT. */
const TC_PARENTS = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;
const DIRECTIONS = ["ingress", "egress"] as const;

export interface DeviceProgram {
  device: string;
  hook: "xdp" | "ingress" | "egress";
  /** Its id. */
  program: number;
}

/** Of the devices in order; a device that goes away meanwhile has none. */
export function devicePrograms(namespace: NetworkNamespace): DeviceProgram[] {
  return withDumpSocket(namespace, (fd) =>
    devicesOf(fd).flatMap(({ ifindex, device, xdp }) => [
      ...xdp.map((program) => ({ device, hook: "xdp" as const, program })),
      ...DIRECTIONS.flatMap((hook) =>
        [
          ...filtersOf(fd, ifindex, TC_PARENTS[hook]),
          ...inNamespace(namespace, () => tcxPrograms(ifindex, hook)),
        ].map((program) => ({ device, hook, program })),
      ),
    ]),
  );
}

function devicesOf(fd: number): { ifindex: number; device: string; xdp: number[] }[] {
  const found: ReturnType<typeof devicesOf> = [];
  dump(
    fd,
    RTM_GETLINK,
    (train) => train.linkHeader(0),
    (_, body) => {
      const attributes = attributesOf(body, LINK_HEADER);
      const ids = attributesOf(attributes.get(IFLA_XDP));
      const xdp = XDP_IDS.flatMap((type) => numberAttribute(ids.get(type)) ?? []);
      found.push({
        ifindex: body.readInt32LE(4),
        device: textAttribute(attributes.get(IFLA_NAME)),
        xdp: [...new Set(xdp)].filter((id) => id !== 0),
      });
    },
  );
  return found;
}

function filtersOf(fd: number, ifindex: number, parent: number): number[] {
  const header = Buffer.alloc(TC_HEADER);
  header.writeInt32LE(ifindex, 4);
  header.writeUInt32LE(parent, 12);
  const found: number[] = [];
  dump(
    fd,
    RTM_GETTFILTER,
    (train) => train.bytesOf(header),
    (_, body) => {
      const options = attributesOf(attributesOf(body, TC_HEADER).get(TCA_OPTIONS));
      const id = numberAttribute(options.get(TCA_BPF_ID));
      if (id !== null && id !== 0) found.push(id);
    },
  );
  return found;
}
