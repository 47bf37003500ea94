/** Changes of a VXLAN device's own FDB: which remote an address is sent to. */

import type { BridgeState, Remote } from "../../bridge/state.ts";
import { DEFAULT, type Device, remoteWords } from "./overlay.ts";
import { bridgeCommand, pattern, type Setting, shows, showsNot } from "./setting.ts";

export type RemoteChange =
  /** Entries which are all of one address; those of hosts have one remote each. */
  | { set: "remotes"; device: Device; remotes: [Remote, ...Remote[]] }
  | { set: "no-remote"; device: Device; remote: Remote };

export function remoteSetting(state: BridgeState, change: RemoteChange): Setting {
  return change.set === "remotes" ? remotesSet(state, change) : noRemote(state, change);
}

function remotesSet(
  state: BridgeState,
  { device, remotes }: Extract<RemoteChange, { set: "remotes" }>,
): Setting {
  const [{ address }] = remotes;
  const each = (line: (remote: Remote) => string) => remotes.map(line).join(" && ");
  return {
    what: `the remote of ${address} at ${device.name}`,
    command: each((remote) => setRemote(state, device, remote)),
    undo: each((remote) => dropRemote(state, device, remote)),
    verify: each((remote) => shows(remotesShown(state, device), remotePattern(remote))),
    inForce: remotes.every((remote) => isThere(state, device, remote)),
    refused: remotes.some(({ ip }) => ip === null) ? "it is a nexthop object's" : null,
  };
}

function noRemote(
  state: BridgeState,
  { device, remote }: Extract<RemoteChange, { set: "no-remote" }>,
): Setting {
  return {
    what: `no entry of ${remote.address} at ${device.name} for ${remote.ip}`,
    command: dropRemote(state, device, remote),
    undo: setRemote(state, device, remote),
    verify: showsNot(remotesShown(state, device), remotePattern(remote)),
    inForce: !isThere(state, device, remote),
    refused: remote.ip === null ? "it is a nexthop object's" : null,
  };
}

/** To a host's entry the kernel appends nothing (vxlan_fdb_update_existing()), and of the default entry it would replace one. */
function setRemote({ place }: BridgeState, device: Device, remote: Remote): string {
  const verb = remote.address === DEFAULT ? "append" : "replace";
  return bridgeCommand(place, ...remoteWords(verb, device, remote));
}

function dropRemote({ place }: BridgeState, device: Device, remote: Remote): string {
  return bridgeCommand(place, ...remoteWords("del", device, remote));
}

function remotesShown({ place }: BridgeState, { name }: Device): string {
  return bridgeCommand(place, "fdb", "show", "dev", name);
}

function remotePattern({ address, ip }: Remote): string {
  return `^${address} dst ${pattern(ip ?? "")} (.* )?self permanent`;
}

function isThere(state: BridgeState, { ifindex }: Device, wanted: Remote): boolean {
  const now = [...state.ports, ...state.vxlans].find((one) => one.ifindex === ifindex);
  return (now?.vxlan?.remotes ?? []).some(
    ({ address, ip, port, vni, permanent }) =>
      permanent &&
      address === wanted.address &&
      ip === wanted.ip &&
      port === wanted.port &&
      vni === wanted.vni,
  );
}
