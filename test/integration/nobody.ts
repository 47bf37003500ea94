import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The user nobody. */
export const NOBODY = 65534;
/** It, as sudo tells of who called. */
export const BEHIND_SUDO = { SUDO_UID: String(NOBODY), SUDO_GID: String(NOBODY) };

/** In a folder that anybody can enter: one of nobody's, and one of root's alone with a file that nobody else may read or write. */
export function homeAndSecret(folder: string): { home: string; secret: string; victim: string } {
  const [home, secret] = [join(folder, "home"), join(folder, "secret")];
  mkdirSync(home, { recursive: true });
  chownSync(home, NOBODY, NOBODY);
  mkdirSync(secret, { mode: 0o700 });
  const victim = join(secret, "victim");
  writeFileSync(victim, "as it was", { mode: 0o600 });
  return { home, secret, victim };
}
