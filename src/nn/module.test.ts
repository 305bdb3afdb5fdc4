import { describe, expect, it } from 'vitest';
import { input, printGraph, type Tensor, trace } from '../graph/index.ts';
import { ConfigError, ShapeError, toFloat64 } from '../tensor/index.ts';
import { Linear } from './linear.ts';
import { Module, snakeCase } from './module.ts';
import { Parameter } from './parameter.ts';

class Block extends Module {
  readonly linear_1: Linear;
  readonly toOut: readonly [Linear];
  readonly options = { width: 3 };

  constructor() {
    super();
    this.linear_1 = new Linear(3, 3);
    this.toOut = [new Linear(3, 2, { bias: false })];
  }

  forward(x: Tensor): Tensor {
    return this.toOut[0].forward(this.linear_1.forward(x));
  }
}

class Network extends Module {
  readonly scale: Parameter;
  readonly downBlocks: readonly Block[];

  constructor() {
    super();
    this.downBlocks = [new Block()];
    this.scale = new Parameter([2]);
  }

  forward(x: Tensor): Tensor {
    return this.downBlocks[0]!.forward(x).mul(this.scale);
  }
}

describe('Module', () => {
  it('names parameters by their property path in snake_case with indices', () => {
    expect([...new Network().namedParameters().keys()]).toEqual([
      'scale',
      'down_blocks.0.linear_1.weight',
      'down_blocks.0.linear_1.bias',
      'down_blocks.0.to_out.0.weight',
    ]);
  });

  it.each([
    ['downBlocks', 'down_blocks'],
    ['conv1', 'conv1'],
    ['linear_1', 'linear_1'],
    ['toQ', 'to_q'],
  ])('writes %s as %s', (name, key) => {
    expect(snakeCase(name)).toBe(key);
  });

  it('lets ops carry the path of the module that made them', () => {
    const network = new Network();
    const graph = trace(() => network.forward(input('x', [1, 3])));
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(x: float32[1, 3], $down_blocks.0.linear_1.weight: float32[3, 3], $down_blocks.0.linear_1.bias: float32[3], $down_blocks.0.to_out.0.weight: float32[2, 3], $scale: float32[2]) {
        %0 = matmul(x, $down_blocks.0.linear_1.weight, transposeA=false, transposeB=true) : float32[1, 3]  # down_blocks.0.linear_1
        %1 = add(%0, $down_blocks.0.linear_1.bias) : float32[1, 3]  # down_blocks.0.linear_1
        %2 = matmul(%1, $down_blocks.0.to_out.0.weight, transposeA=false, transposeB=true) : float32[1, 2]  # down_blocks.0.to_out.0
        %3 = mul(%2, $scale) : float32[1, 2]
        return output = %3
      }"
    `);
  });

  it('lets errors carry the path', () => {
    const network = new Network();
    expect(() => trace(() => network.forward(input('x', [1, 4])))).toThrow(/in module down_blocks\.0\.linear_1$/);
    expect(() => trace(() => network.forward(input('x', [1, 4])))).toThrow(ShapeError);
  });

  it('names parameters when traced, whoever traces first', () => {
    const network = new Network();
    trace(() => network.downBlocks[0]!.forward(input('x', [1, 3])));
    expect(network.downBlocks[0]!.linear_1.weight.name).toBe('linear_1.weight');
    trace(() => network.forward(input('x', [1, 3])));
    expect(network.downBlocks[0]!.linear_1.weight.name).toBe('down_blocks.0.linear_1.weight');
    network.downBlocks[0]!.parameters();
    expect(network.downBlocks[0]!.linear_1.weight.name).toBe('down_blocks.0.linear_1.weight');
  });

  it('refuses one parameter under two keys', () => {
    const twice = new Network();
    Object.assign(twice, { again: twice.scale });
    expect(() => twice.parameters()).toThrow(ConfigError);
    expect(() => twice.parameters()).toThrow("one parameter is both 'scale' and 'again'");
  });

  it('leaves frozen parameters out of parameters() but not out of checkpoints', () => {
    const network = new Network();
    network.scale.trainable = false;
    expect(network.parameters()).not.toContain(network.scale);
    expect(network.namedParameters().get('scale')).toBe(network.scale);
    expect(network.parameterCount()).toBe(2 + 9 + 3 + 6);
  });

  it('starts from the seed and the key alone, not from the order of construction', () => {
    const first = (seed: number): number[] => {
      const network = new Network().initialize(seed);
      return [...toFloat64(network.downBlocks[0]!.linear_1.weight.initial())];
    };
    new Network().initialize(7);
    expect(first(1)).toEqual(first(1));
    expect(first(1)).not.toEqual(first(2));
    const { linear_1, toOut } = new Network().initialize(1).downBlocks[0]!;
    expect(toFloat64(linear_1.weight.initial()).slice(0, 6)).not.toEqual(toFloat64(toOut[0].weight.initial()));
  });
});
