export function sockperfMedianNs(text: string): number;
export function mininetSeconds(text: string): number;
export function trafgenFrame(destination: string, source: string, cpu: number): string;
