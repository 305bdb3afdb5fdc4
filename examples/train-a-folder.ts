/** @file Trains a model on a folder of pictures: discs of every colour, drawn here. `npx tsx examples/train-a-folder.ts [folder]` */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fillUniform, trainDiffusion, writePng } from 'inkwash/node';

const SIZE = 16;
const [out = 'runs/discs'] = process.argv.slice(2);
const steps = Number(process.env.EXAMPLE_STEPS ?? 600);
const count = Number(process.env.EXAMPLE_PICTURES ?? 512);

/** A disc of radius `r` at (`cx`, `cy`) on white. */
function disc([r = 0, cx = 0, cy = 0, ...colour]: readonly number[]): Uint8Array {
  const pixels = new Uint8Array(SIZE * SIZE * 3).fill(255);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      if (Math.hypot(x - 4 - 8 * cx, y - 4 - 8 * cy) > 2 + 3 * r) continue;
      pixels.set(
        colour.map((c) => 200 * c),
        (y * SIZE + x) * 3,
      );
    }
  }
  return pixels;
}

const pictures = `${out}-pictures`;
await mkdir(pictures, { recursive: true });
for (let i = 0; i < count; i++) {
  const data = disc([...fillUniform(new Float32Array(6), { seed: i })]);
  await writePng(join(pictures, `${i}.png`), { width: SIZE, height: SIZE, channels: 3, data });
}

const model = { block_out_channels: [16, 32] };
const result = await trainDiffusion(
  { data: { spec: pictures, size: SIZE }, model, steps },
  { out, onEvent: (event) => event.type === 'validation' && console.log(`step ${event.step}: loss ${event.loss}`) },
);
console.log(result.grid);
