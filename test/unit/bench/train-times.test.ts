import { expect, it } from "vitest";
import { MOST_TRAINS, TrainTimes } from "../../../src/bench/load/send.ts";

it("an hour's trains take no more room than those of a short round", () => {
  const trains = new TrainTimes();
  for (let train = 0; train < 10 * MOST_TRAINS; train++) trains.add(1000 + train, 10);
  expect(trains.nsPerFrame).toHaveLength(MOST_TRAINS);
  expect(trains.nsPerFrame.slice(0, 2)).toEqual([100, 100.1]);
});

it("a system call that sent nothing is no train", () => {
  const trains = new TrainTimes();
  trains.add(1000, 0);
  expect(trains.nsPerFrame).toEqual([]);
});
