import { describe, expect, it } from 'vitest';
import { fromSchedulerConfig, gaussianDenoiser, pointAt } from '../diffusion/gaussian/index.ts';
import { fillNormal } from '../tensor/index.ts';
import { evenPoints, forwardPictures, reversePictures } from './diffusion-pictures.ts';
import { stripColumns, stripHtml, stripSheet } from './pages/picture-strip.ts';

const plan = fromSchedulerConfig({ _class_name: 'DDIMScheduler', clip_sample: false });
const sampleSize = 12;

describe('pictures along the forward process', () => {
  it('start as the data, end as noise, and keep their own noise in between', () => {
    const pictures = new Float32Array(2 * sampleSize).fill(0.5);
    const points = [{ t: -1, alpha: 1, sigma: 0 }, pointAt(plan.process, 300), pointAt(plan.process, 999)];
    const [first, second] = forwardPictures(pictures, points, { sampleSize, seed: 3 });
    expect(Array.from(first![0]!)).toEqual(Array.from(pictures.subarray(0, sampleSize)));
    const noise = fillNormal(new Float32Array(sampleSize), { seed: 3 });
    for (const [i, value] of first![2]!.entries()) expect(value).toBeCloseTo(noise[i]!, 1);
    expect(second![2]).not.toEqual(first![2]);
    const [alone] = forwardPictures(pictures.subarray(0, sampleSize), points, { sampleSize, seed: 4 });
    expect(alone).toEqual(second);
  });

  it('are shown at unit variance in every process', () => {
    const edm = fromSchedulerConfig({ _class_name: 'EDMEulerScheduler' }).process;
    const pictures = new Float32Array(4000);
    const [stages] = forwardPictures(pictures, [pointAt(edm, 80)], { sampleSize: 4000 });
    const power = stages![0]!.reduce((sum, value) => sum + value * value, 0) / 4000;
    expect(power).toBeCloseTo(1, 1);
  });

  it('stand at whole steps where time is counted in steps', () => {
    expect(evenPoints(plan.process, 4).map(({ t }) => t)).toEqual([0, 333, 666, 999]);
    const flow = fromSchedulerConfig({ _class_name: 'IPNDMScheduler' }).process;
    expect(evenPoints(flow, 3).map(({ t }) => t)).toEqual([flow.start, (flow.start + flow.end) / 2, flow.end]);
  });
});

describe('pictures along the reverse process', () => {
  it('end where sampling ends, with a guess of the data at every stage', async () => {
    const denoise = gaussianDenoiser({ mean: 0.3, std: 0.01 });
    const network = async (x: Float32Array | Float64Array, point: Parameters<typeof denoise>[1], step: number) =>
      (await denoise(x, point, step)).eps;
    const found = await reversePictures(plan, network, { sampleSize, count: 2, steps: 20, stages: 5 });
    expect(found.points.map(({ t }) => t)).toEqual([950, 700, 450, 200, -1]);
    expect(found.states).toHaveLength(2);
    for (const stages of found.predictions) {
      expect(stages).toHaveLength(5);
      for (const stage of stages) for (const value of stage) expect(value).toBeCloseTo(0.3, 1);
    }
    expect(found.states[1]![4]).toEqual(found.predictions[1]![4]);
  });
});

describe('a strip of stages', () => {
  const strip = {
    shape: [3, 2, 2] as const,
    points: [{ t: -1, alpha: 1, sigma: 0 }, pointAt(plan.process, 999)],
    rows: [{ name: 'real', stages: [new Float32Array(12).fill(1), new Float32Array(12).fill(-1)] }],
  };

  it('labels its columns by time and signal-to-noise ratio', () => {
    expect(stripColumns(strip)).toEqual([
      ['data', 'SNR ∞'],
      ['t 999', 'SNR 4e-5'],
    ]);
  });

  it('is drawn with every picture and label inside', () => {
    const { width, height, data } = stripSheet(strip);
    expect(data).toHaveLength(width * height * 3);
    expect(data.filter((level) => level === 0).length).toBe(80 * 80 * 3);
    expect(data.filter((level) => level === 60).length).toBeGreaterThan(100);
  });

  it('is a table of pictures on a page', async () => {
    const html = await stripHtml(strip, async ({ data }) => `data:,${data[0]}`);
    expect(html).toContain('t 999<br>SNR 4e-5');
    expect(html.match(/<img src="data:,(255|0)"/g)).toHaveLength(2);
  });
});
