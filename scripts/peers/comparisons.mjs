import {
  ipBatchInProcess,
  ipBatchWhole,
  labSystemTime,
  mininetBuild,
  mininetWhole,
} from "./labs.mjs";
import { memory } from "./memory.mjs";
import { rawBound, rawOne, rawTwo } from "./raw.mjs";
import { tcpNetperf, tcpSockperf, udpNetperf, udpSockperf } from "./round-trips.mjs";
import { tcpStream } from "./streams.mjs";

/** In the order of the table. */
export const COMPARISONS = [
  tcpStream,
  rawOne,
  rawTwo,
  rawBound,
  udpSockperf,
  tcpSockperf,
  udpNetperf,
  tcpNetperf,
  mininetBuild,
  mininetWhole,
  ipBatchInProcess,
  ipBatchWhole,
  labSystemTime,
  memory,
];
