/** @file Your own loss and solver on the bare engine: flow matching from noise to a ring. `npx tsx examples/own-loss-and-solver.ts` */
import * as ink from 'inkwash/node';

const [BATCH, STEPS] = [256, Number(process.env.EXAMPLE_STEPS ?? 2000)];

/** The velocity that carries noise to data, at x: [B, 2] and t: [B, 1] in [0, 1]. */
class Velocity extends ink.Module {
  readonly layers = [new ink.Linear(3, 64), new ink.Linear(64, 64), new ink.Linear(64, 2)];
  forward(x: ink.Tensor, t: ink.Tensor): ink.Tensor {
    return this.layers.reduce((h, layer, i) => layer.forward(i > 0 ? h.silu() : h), ink.concat([x, t], 1));
  }
}
const model = new Velocity().initialize(0);
function loss(): ink.Tensor {
  const angle = ink.random.uniform([BATCH, 1]).mul(2 * Math.PI);
  const [noise, t] = [ink.random.normal([BATCH, 2]), ink.random.uniform([BATCH, 1])];
  const velocity = ink.concat([angle.cos(), angle.sin()], 1).mul(2).sub(noise);
  return model
    .forward(noise.add(velocity.mul(t)), t)
    .sub(velocity)
    .square()
    .mean();
}

const engine = await ink.nodeEngine();
const train = await ink.compileTrainStep(engine, { optimizer: new ink.AdamW(model.parameters()), loss });
for (let step = 0; step < STEPS; step++) {
  await train.run([{}], { learningRate: 2e-3, emaDecay: 0, seed: 0, step });
}
const velocity = await engine.compile(() => model.forward(ink.input('x', [BATCH, 2]), ink.input('t', [BATCH, 1])));
let x = ink.fillNormal(new Float32Array(BATCH * 2), { seed: 1 });
for (let i = 0; i < 50; i++) {
  const t = ink.ndArray(new Float32Array(BATCH).fill(i / 50), [BATCH, 1]);
  const { output } = await velocity.run({ x: ink.ndArray(x, [BATCH, 2]), t });
  x = x.map((value, at) => value + Number(output!.data[at]) / 50);
}
const radii = Array.from({ length: BATCH }, (_, i) => Math.hypot(x[2 * i]!, x[2 * i + 1]!));
console.log(`radius of the ring: ${(radii.reduce((a, b) => a + b) / BATCH).toFixed(2)}, of the data: 2.00`);
await engine.dispose();
