export { diagnose, prerequisites, requirePrerequisites, requireProbes } from "./diagnose.ts";
export { environment } from "./environment.ts";
export { prevents } from "./finding.ts";
export { DOCTOR_SCHEMA, formatDiagnosis } from "./format.ts";
export { tracedFunctions } from "./function-table.ts";
