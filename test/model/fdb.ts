import { HOST, type PortId } from "./types.ts";

/** One net_bridge_fdb_entry. */
export interface FdbEntry {
  address: string;
  port: PortId;
  /** BR_FDB_LOCAL: frames to it go up the bridge device. */
  local: boolean;
  /** BR_FDB_STATIC: does not age and survives a flush. */
  permanent: boolean;
  updatedMs: number;
}

export type Learning = "learned" | "moved" | "unchanged";

export interface Fdb {
  find(address: string): Readonly<FdbEntry> | undefined;
  learn(address: string, port: PortId): Learning;
  addLocal(address: string, port: PortId): void;
  addStatic(address: string, port: PortId): void;
  flush(): void;
  advance(ms: number): void;
  entries(): FdbEntry[];
}

export function createFdb(ageingTimeMs: number): Fdb {
  const table = new Map<string, FdbEntry>();
  let nowMs = 0;

  function insert(address: string, port: PortId, flags: { local: boolean; permanent: boolean }) {
    table.set(address, { address, port, ...flags, updatedMs: nowMs });
  }

  return {
    find: (address) => table.get(address),

    // br_fdb_update
    learn(address, port) {
      if (ageingTimeMs === 0) return "unchanged";
      const entry = table.get(address);
      if (entry === undefined) {
        insert(address, port, { local: false, permanent: false });
        return "learned";
      }
      if (entry.local) return "unchanged";
      entry.updatedMs = nowMs;
      if (entry.port === port) return "unchanged";
      // A static entry roams as well and stays static; only a sticky one (not modelled) would not.
      entry.port = port;
      return "moved";
    },

    // fdb_add_local: "it is okay to have multiple ports with same address, just use the first one".
    addLocal(address, port) {
      if (table.get(address)?.local) return;
      insert(address, port, { local: true, permanent: true });
    },

    // fdb_add_entry; `bridge fdb add` sends NLM_F_EXCL.
    addStatic(address, port) {
      if (table.has(address)) throw new Error(`static entry ${address}: the address is taken`);
      // Towards the bridge device the kernel takes nothing but a permanent, that is local, entry.
      insert(address, port, { local: port === HOST, permanent: true });
    },

    // br_fdb_flush as br_changelink calls it for IFLA_BR_FDB_FLUSH: all but the static ones.
    flush() {
      removeWhere(table, (entry) => !entry.permanent);
    },

    // br_fdb_cleanup. A look-up does not mind the age (fdb_find_rcu), but the collector runs when
    // the oldest entry is due, so an entry is gone within its 10 ms minimum pace.
    advance(ms) {
      nowMs += ms;
      removeWhere(table, (entry) => !entry.permanent && nowMs - entry.updatedMs >= ageingTimeMs);
    },

    entries: () => [...table.values()].map((entry) => ({ ...entry })),
  };
}

function removeWhere(table: Map<string, FdbEntry>, isDoomed: (entry: FdbEntry) => boolean): void {
  for (const entry of table.values()) {
    if (isDoomed(entry)) table.delete(entry.address);
  }
}
