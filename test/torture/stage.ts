import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { scratch } from "../integration/bench/cli.ts";
import { type FloodLab, floodLab } from "../integration/explain/lab.ts";
import { type Place, placeIn } from "./commands.ts";
import { type Decoys, plantDecoys } from "./decoys.ts";

/** What the trials of a file share, from before the first to after the last. */
export interface Stage {
  folder: string;
  /** TMPDIR of what runs at a place: journals of runs that were killed are what is to be left of them. */
  temporary: string;
  decoys: Decoys;
  lab: FloodLab;
  place(): Place;
}

/** To be called once, where a file's tests are described; what it gives is filled before the first of them. */
export function stage(): Stage {
  const folder = scratch();
  const temporary = join(folder.path, "tmp");
  const shared = { folder: folder.path, temporary } as Stage;
  beforeAll(async () => {
    mkdirSync(temporary);
    shared.decoys = plantDecoys();
    shared.lab = await floodLab();
    shared.place = () => placeIn(folder.path, temporary, shared.lab);
  });
  afterAll(async () => {
    await shared.lab?.leave();
    shared.decoys?.remove();
    folder.remove();
  });
  return shared;
}
