interface Report {
  testResults: {
    name: string;
    message?: string;
    status: string;
    assertionResults: {
      status: string;
      tags: string[];
      fullName: string;
      failureMessages: string[];
    }[];
  }[];
}

export const FULL: string;

export function countTests(
  report: Report | null,
  exitCode: number,
  full?: boolean,
): { passed: number; failed: number; skipped: number; failures: string[] };
