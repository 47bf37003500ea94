// npm run build: dist/ from src/, with the probe programs beside the code that reads them.
import { build } from "./lib/built.mjs";
import { main } from "./lib/failure.mjs";
import { requireNode } from "./lib/node-version.mjs";

await main(async () => {
  requireNode();
  await build();
  return 0;
});
