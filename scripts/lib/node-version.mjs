import { Failure } from "./failure.mjs";

const FLOOR = [20, 19];

export function requireNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])) return;
  throw new Failure(
    `Node ${FLOOR.join(".")} or later is needed, this is ${version}; install a current LTS release of Node and try again`,
    4,
  );
}
