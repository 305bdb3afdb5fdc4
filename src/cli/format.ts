/** @file Numbers and curves as short text. */

/** `75.4` → `1:15`, `3700` → `1:01:40`. */
export function formatDuration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `1234567` → `1.2 M`. */
export function formatCount(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  return String(value);
}

/** Bytes as MB or GB. */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** A rate in the unit that reads best: `2.4 steps/s`, or `1.7 s/step` below one. */
export function formatRate(stepsPerSecond: number): string {
  if (!(stepsPerSecond > 0) || !Number.isFinite(stepsPerSecond)) return '';
  return stepsPerSecond >= 1 ? `${stepsPerSecond.toFixed(1)} steps/s` : `${(1 / stepsPerSecond).toFixed(1)} s/step`;
}

const LEVELS = '▁▂▃▄▅▆▇█';

/** A curve as `width` characters, each the mean of its stretch; the scale is logarithmic when all values are positive. */
export function sparkline(values: readonly number[], width: number): string {
  if (values.length === 0) return '';
  const count = Math.min(width, values.length);
  const means = Array.from({ length: count }, (_, i) => {
    const part = values.slice(Math.floor((i * values.length) / count), Math.floor(((i + 1) * values.length) / count));
    return part.reduce((a, b) => a + b, 0) / part.length;
  });
  const scaled = means.every((mean) => mean > 0) ? means.map(Math.log) : means;
  const [low, high] = [Math.min(...scaled), Math.max(...scaled)];
  const level = (value: number): number => (high > low ? Math.round(((value - low) / (high - low)) * 7) : 0);
  return scaled.map((value) => LEVELS[level(value)]).join('');
}

/** A bar of `width` characters, filled to `fraction`. */
export function bar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const full = Math.floor(eighths / 8);
  const part = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8]!;
  return ('█'.repeat(full) + part).padEnd(width, '░');
}
