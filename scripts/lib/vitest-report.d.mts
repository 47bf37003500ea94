interface Report {
  testResults: {
    status: string;
    assertionResults: { status: string; tags: string[] }[];
  }[];
}

export const FULL: string;

export function countTests(
  report: Report | null,
  exitCode: number,
  full?: boolean,
): { passed: number; failed: number; skipped: number };
