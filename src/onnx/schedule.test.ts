import { describe, expect, it } from 'vitest';
import type { OnnxNode } from './model.ts';
import { scheduleNodes } from './schedule.ts';

function node(output: string, ...inputs: string[]): OnnxNode {
  return { opType: 'Op', domain: '', inputs, outputs: [output], attributes: {} };
}

/** ONNX Runtime's own order: back from the results, of several inputs or results the one written last first. */
function executionOrder(nodes: readonly OnnxNode[]): string[] {
  const index = new Map(nodes.flatMap(({ outputs }, i) => outputs.map((name) => [name, i] as const)));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const done = new Set<number>();
  const order: string[] = [];
  const visit = (i: number): void => {
    if (done.has(i)) return;
    done.add(i);
    const sources = nodes[i]!.inputs.flatMap((name) => index.get(name) ?? []).sort((a, b) => b - a);
    for (const source of sources) visit(source);
    order.push(nodes[i]!.outputs[0]!);
  };
  for (let i = nodes.length - 1; i >= 0; i--) if (!nodes[i]!.outputs.some((name) => read.has(name))) visit(i);
  return order;
}

/** Three layers forward and back; the gradient of each kernel shifts the layer's input and goes into one norm. */
function trainingStep(): OnnxNode[] {
  const shifted = (layer: number): OnnxNode[] => [
    node(`shifted${layer}`, layer === 1 ? 'x' : `y${layer - 1}`),
    node(`dW${layer}`, `shifted${layer}`, layer === 3 ? 'loss' : `dY${layer}`),
    node(`square${layer}`, `dW${layer}`),
  ];
  return [
    node('prepared', 'w'),
    node('y1', 'x'),
    node('y2', 'y1'),
    node('y3', 'y2', 'prepared'),
    node('loss', 'y3'),
    node('dY2', 'loss', 'prepared'),
    node('dY1', 'dY2'),
    node('bias1', 'dY1'),
    ...[3, 2, 1].flatMap(shifted),
    node('norm', 'square1', 'square2', 'square3'),
  ];
}

describe('scheduleNodes', () => {
  it('keeps writers before readers', () => {
    const seen = new Set(['x', 'w']);
    for (const { inputs, outputs } of scheduleNodes(trainingStep(), new Set(['w']))) {
      for (const name of inputs) expect(seen).toContain(name);
      for (const name of outputs) seen.add(name);
    }
    expect(seen.size).toBe(trainingStep().length + 2);
  });

  it('computes the gradient of a kernel when the backward pass reaches its layer', () => {
    const order = executionOrder(scheduleNodes(trainingStep(), new Set(['w'])));
    const at = (name: string): number => order.indexOf(name);
    expect(at('square3')).toBeLessThan(at('dY2'));
    expect(at('square2')).toBeLessThan(at('dY1'));
    const unscheduled = executionOrder(trainingStep());
    expect(unscheduled.indexOf('square3')).toBeGreaterThan(unscheduled.indexOf('dY1'));
  });

  it('does the same when the gradients are the results', () => {
    const order = executionOrder(
      scheduleNodes(
        trainingStep().filter(({ outputs }) => outputs[0] !== 'norm'),
        new Set(['w']),
      ),
    );
    expect(order.indexOf('square3')).toBeLessThan(order.indexOf('dY2'));
    expect(order.indexOf('square2')).toBeLessThan(order.indexOf('dY1'));
  });
});
