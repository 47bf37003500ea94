export { diagnose, prerequisites, requireProbes } from "./diagnose.ts";
export { environment } from "./environment.ts";
export { prevents } from "./finding.ts";
export { DOCTOR_SCHEMA, formatDiagnosis, formatPrerequisite } from "./format.ts";
export { tracedFunctions } from "./function-table.ts";
