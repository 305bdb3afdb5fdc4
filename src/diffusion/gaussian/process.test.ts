import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cosineProcess,
  discreteProcess,
  edmProcess,
  levelOf,
  type Process,
  pointAt,
  posterior,
  processCurves,
  rectifiedFlow,
  sde,
  snr,
  subVariancePreserving,
  terminalKl,
  terminalReport,
  transition,
  trigFlow,
  varianceExploding,
  variancePreserving,
} from './index.ts';

const PROCESSES: Process[] = [
  variancePreserving(),
  subVariancePreserving(),
  cosineProcess(),
  trigFlow(),
  varianceExploding(),
  edmProcess(),
  rectifiedFlow({ scale: 1000 }),
  discreteProcess({ betaSchedule: 'scaled_linear', betaStart: 0.00085, betaEnd: 0.012 }),
];
const named = PROCESSES.map((process) => [process.name, process] as const);
/** A time strictly inside the process, off the kinks of discrete schedules. */
const inside = (process: Process, u: number): number =>
  process.start + (process.end - process.start) * (0.02 + 0.95 * u) + 0.37e-3;

describe.each(named)('the %s process', (_name, process) => {
  it('has the derivatives it claims', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (u) => {
        const t = inside(process, u);
        const h = 1e-6 * (process.end - process.start);
        if (Math.floor(t - h) !== Math.floor(t + h)) return;
        const slope = (f: (t: number) => number) => (f(t + h) - f(t - h)) / (2 * h);
        const scale = 1 / (process.end - process.start);
        expect(Math.abs(process.alphaDot(t) - slope(process.alpha))).toBeLessThan(1e-4 * scale * 20);
        expect(Math.abs(process.sigmaDot(t) - slope(process.sigma)) / (process.sigma(t) + 1)).toBeLessThan(
          1e-3 * scale * 100,
        );
      }),
      { numRuns: 50 },
    );
  });

  it('loses signal as time goes', () => {
    const { logSnr } = processCurves(process, 60);
    for (let i = 2; i < logSnr.length; i++) expect(logSnr[i]!).toBeLessThan(logSnr[i - 1]!);
  });

  it('composes its transitions', () => {
    const [r, s, t] = [0.2, 0.5, 0.9].map((u) => pointAt(process, inside(process, u))) as [
      ReturnType<typeof pointAt>,
      ReturnType<typeof pointAt>,
      ReturnType<typeof pointAt>,
    ];
    const direct = transition(r, t);
    const [first, second] = [transition(r, s), transition(s, t)];
    expect(first.scale * second.scale).toBeCloseTo(direct.scale, 10);
    expect((second.scale ** 2 * first.variance + second.variance) / direct.variance).toBeCloseTo(1, 8);
  });

  it('has a posterior that gives the marginal back', () => {
    const [s, t] = [pointAt(process, inside(process, 0.3)), pointAt(process, inside(process, 0.7))];
    const { x0Weight, xWeight, variance } = posterior(s, t);
    expect(x0Weight + xWeight * t.alpha).toBeCloseTo(s.alpha, 10);
    expect(((xWeight * t.sigma) ** 2 + variance) / s.sigma ** 2).toBeCloseTo(1, 8);
  });

  it('is found by its level', () => {
    const point = pointAt(process, inside(process, 0.6));
    const found = levelOf(process)(point.sigma / point.alpha);
    expect(found.t / point.t).toBeCloseTo(1, 6);
  });

  it('has the SDE of its marginals: dσ²/dt = 2fσ² + g²', () => {
    const t = inside(process, 0.5);
    const { drift, diffusion2 } = sde(process, t);
    const sigma = process.sigma(t);
    expect(2 * drift * sigma ** 2 + diffusion2).toBeCloseTo(2 * sigma * process.sigmaDot(t), 8);
    expect(diffusion2).toBeGreaterThan(0);
  });
});

describe('terminal KL', () => {
  it('is zero for pure noise and grows with what is left of the data', () => {
    expect(terminalKl({ t: 1, alpha: 0, sigma: 1 })).toBe(0);
    const leak = (alpha: number) => terminalKl({ t: 1, alpha, sigma: Math.sqrt(1 - alpha ** 2) });
    expect(leak(0.1)).toBeGreaterThan(leak(0.05));
  });

  it('equals a Monte-Carlo estimate', () => {
    // KL between N(α·x₀, σ²) and N(0, 1), averaged over x₀ = ±1, by numerical integration
    const [alpha, sigma] = [0.4, Math.sqrt(1 - 0.16)];
    const density = (x: number, m: number, s: number) =>
      Math.exp(-((x - m) ** 2) / (2 * s * s)) / (s * Math.sqrt(2 * Math.PI));
    let kl = 0;
    for (let x = -8; x < 8; x += 1e-3) {
      const q = density(x, alpha, sigma);
      if (q > 0) kl += q * Math.log(q / density(x, 0, 1)) * 1e-3;
    }
    expect(terminalKl({ t: 1, alpha, sigma })).toBeCloseTo(kl, 6);
  });

  it('warns about Stable Diffusion’s schedule and not about its zero-SNR version', () => {
    const betas = { betaSchedule: 'scaled_linear', betaStart: 0.00085, betaEnd: 0.012 } as const;
    const leaky = terminalReport(discreteProcess(betas));
    expect(leaky.snr).toBeCloseTo(0.0047, 4);
    expect(leaky.warning).toContain('zero-terminal-SNR');
    const fixed = terminalReport(discreteProcess({ ...betas, rescaleZeroSnr: true }));
    expect(fixed).toMatchObject({ snr: 0, klPerDimension: 0, warning: undefined });
  });
});

describe('the discrete process', () => {
  it('meets the table at whole steps and joins them smoothly', () => {
    const process = discreteProcess();
    expect(process.alpha(499) ** 2).toBeCloseTo(process.alphasCumprod[499]!, 9);
    const between = process.alpha(499.5);
    expect(between).toBeLessThan(process.alpha(499));
    expect(between).toBeGreaterThan(process.alpha(500));
    expect(process.alpha(-1)).toBe(1);
    expect(process.sigma(-1)).toBe(0);
  });

  it('takes betas given outright', () => {
    const process = discreteProcess({ trainedBetas: [0.1, 0.2, 0.5] });
    expect(process.steps).toBe(3);
    expect(process.alphasCumprod[2]).toBeCloseTo(0.9 * 0.8 * 0.5, 6);
    expect(snr(pointAt(process, 2))).toBeCloseTo(0.36 / 0.64, 6);
  });
});
