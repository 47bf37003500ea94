export { diagnose, prerequisites } from "./diagnose.ts";
export { environment } from "./environment.ts";
export { prevents } from "./finding.ts";
export { DOCTOR_SCHEMA, formatFindings, formatPrerequisite } from "./format.ts";
