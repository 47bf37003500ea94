import { BridgescopeError, PrerequisiteError } from "../system/errors.ts";
import { openRouteSocket, RefusedMessage } from "../system/netlink.ts";
import type { OpenNamespaces } from "../system/netns.ts";
import { printable } from "../system/printable.ts";
import { writeRequest } from "../system/rtnetlink.ts";
import type { Operation } from "./plan.ts";
import { asCommand } from "./plan-text.ts";

export type RouteOperation = Extract<Operation, { kind: "route" }>;

/** Sends steps of one namespace to the kernel as one train of messages. */
export function sendTrain(group: readonly RouteOperation[], open: OpenNamespaces): void {
  const [first] = group;
  if (first === undefined) return;
  const socket = openRouteSocket(open.get(first.namespace));
  const known = new Map<string, number>();
  const numbers = {
    ifindex: (device: string) => {
      const ifindex = known.get(device) ?? socket.ifindex(device);
      if (ifindex === 0) {
        throw new BridgescopeError(
          `${first.namespace} has no device ${printable(device)} any more`,
        );
      }
      known.set(device, ifindex);
      return ifindex;
    },
    namespace: (name: string) => open.get(name).fd,
  };
  try {
    socket.send((train) => {
      for (const { request } of group) writeRequest(train, request, numbers);
    });
  } catch (error) {
    throw error instanceof RefusedMessage ? refusal(group[error.index] ?? first, error) : error;
  } finally {
    socket.close();
  }
}

/** Tells a kind of device that this kernel does not have (exit 4) from a failure. */
function refusal(operation: RouteOperation, cause: RefusedMessage): Error {
  const said = cause.said === "" ? cause.code : `${cause.code}: ${printable(cause.said)}`;
  const { kind } = operation.request;
  if ((kind === "bridge" || kind === "veth") && cause.code === "EOPNOTSUPP") {
    return new PrerequisiteError(
      `no ${kind} is to be had here (${said}): it takes a kernel with CONFIG_${kind.toUpperCase()}, or \`modprobe ${kind}\``,
      { cause },
    );
  }
  const command = printable(asCommand(operation));
  return new BridgescopeError(`the kernel refused what \`${command}\` asks (${said})`, 1, {
    cause,
  });
}
