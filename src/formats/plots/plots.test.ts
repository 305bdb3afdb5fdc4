import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearTicks, logTicks, makeAxis, tickText } from './axis.ts';
import { htmlPage, htmlTable, paragraph } from './html-page.ts';
import { svgPlot } from './svg-plot.ts';

describe('axes', () => {
  it('tick at round numbers that enclose the values', () => {
    expect(linearTicks(0.03, 0.97)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(linearTicks(-19.8, 10.1)).toEqual([-20, -10, 0, 10, 20]);
    expect(logTicks(4, 60)).toEqual([5, 10, 20, 50]);
    expect(logTicks(1e-9, 10)).toEqual([1e-9, 1e-7, 1e-5, 1e-3, 0.1, 10]);
  });

  it('have numbers however narrow or wide a logarithmic range is', () => {
    expect(logTicks(0.031, 0.034)).toEqual([0.031, 0.032, 0.033, 0.034]);
    expect(logTicks(0.9, 1.1)).toEqual([0.9, 0.95, 1, 1.05, 1.1]);
    const positive = fc.double({ min: 1e-12, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(positive, fc.double({ min: 1, max: 1e9, noNaN: true }), (value, ratio) => {
        const { ticks, range } = makeAxis({ kind: 'log', values: [value, value * ratio], pixels: [0, 1] });
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.every((tick) => tick >= range[0] && tick <= range[1])).toBe(true);
      }),
    );
  });

  it('map the ends of the range to the ends of the pixels', () => {
    const axis = makeAxis({ kind: 'linear', values: [0, 1], pixels: [200, 0] });
    expect([axis.at(0), axis.at(0.5), axis.at(1)]).toEqual([200, 100, 0]);
  });

  it('have no place for what is not positive on a logarithmic scale', () => {
    const axis = makeAxis({ kind: 'log', values: [0, 1, 100, Number.POSITIVE_INFINITY], pixels: [0, 100] });
    expect(axis.at(0)).toBeNaN();
    expect(axis.at(10)).toBeCloseTo(50, 6);
  });

  it('stand for a single value, and for none', () => {
    expect(makeAxis({ kind: 'linear', values: [3], pixels: [0, 1] }).ticks.length).toBeGreaterThan(1);
    expect(makeAxis({ kind: 'log', values: [], pixels: [0, 1] }).ticks.length).toBeGreaterThan(1);
  });

  it('write ticks briefly', () => {
    expect([0, 0.25, -5, 50, 1e-9, 2e7, -1e5].map(tickText)).toEqual([
      '0',
      '0.25',
      '−5',
      '50',
      '10⁻⁹',
      '2·10⁷',
      '−10⁵',
    ]);
  });
});

describe('plots', () => {
  const options = { title: 'a < b', xLabel: 'x (s)', yLabel: 'y' };

  it('name their axes and curves, and escape what they are told', () => {
    const svg = svgPlot(
      [
        { label: 'one & two', x: [0, 1], y: [1, 2] },
        { label: 'three', x: [0, 1], y: [2, 1], style: 'both', notes: ['"a"', 'b'] },
      ],
      { ...options, levels: [{ y: 1.5, label: 'half' }] },
    );
    for (const text of ['a &lt; b', 'x (s)', 'one &amp; two', 'half', '&quot;a&quot;']) expect(svg).toContain(text);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).toContain('prefers-color-scheme:dark');
  });

  it('leave out points that are not finite', () => {
    const svg = svgPlot([{ label: 'a', x: [0, 1, 2], y: [1, Number.NaN, 3] }], options);
    expect(svg).not.toContain('NaN');
    expect(svg.match(/class="curve" d="([^"]+)"/)![1]!.match(/[ML]/g)).toHaveLength(2);
  });

  it('need no legend for a single curve', () => {
    expect(svgPlot([{ label: 'alone', x: [0, 1], y: [0, 1] }], options)).not.toContain('alone');
  });
});

describe('pages', () => {
  it('escape text and load nothing', () => {
    const page = htmlPage('<t>', 'lead', [{ heading: 'h & i', body: [paragraph('<script>')] }]);
    expect(page).toContain('<title>&lt;t&gt;</title>');
    expect(page).not.toContain('<script>');
    expect(page).not.toMatch(/https?:|src=/);
  });

  it('set off a row of a table', () => {
    const table = htmlTable(
      ['a', 'b'],
      [
        ['1', 'x'],
        ['2', 'y'],
      ],
      { textColumns: [1], chosen: 1 },
    );
    expect(table).toContain('<tr class="chosen"><td>2</td><td class="text">y</td></tr>');
  });
});
