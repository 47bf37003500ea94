import { BridgescopeError, PrerequisiteError } from "../system/errors.ts";
import { openRouteSocket, RefusedMessage, type RouteSocket } from "../system/netlink.ts";
import type { OpenNamespaces } from "../system/netns.ts";
import { IFLA_BR_FDB_MAX_LEARNED, writeRequest } from "../system/rtnetlink.ts";
import { printable } from "../text/printable.ts";
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
    for (const { request } of group) {
      if (request.kind === "limit") requireLimit(socket, numbers.ifindex(request.device));
    }
  } catch (error) {
    throw error instanceof RefusedMessage ? refusal(group[error.index] ?? first, error) : error;
  } finally {
    socket.close();
  }
}

function requireLimit(socket: RouteSocket, ifindex: number): void {
  if (socket.bridgeNumber(ifindex, IFLA_BR_FDB_MAX_LEARNED) !== null) return;
  throw new PrerequisiteError("fdb_max_learned is not to be had here: it takes Linux 6.7 or later");
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
