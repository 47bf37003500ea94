export function sockperfMedianNs(text: string): number;
export function mininetSeconds(text: string): number;
export function trafgenFrame(frame: Uint8Array, cpu: number): string;
