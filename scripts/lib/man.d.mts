import type { Command } from "commander";

export function manPage(root: Command): string;
