/** @file Makes pictures with a run or a diffusers folder, and shows its way there. `npx tsx examples/sample-a-model.ts <folder>` */
import { loadPipeline, saveGrid } from 'inkwash/node';

const [folder = 'runs/discs', out = 'grid.png'] = process.argv.slice(2);
const count = Number(process.env.EXAMPLE_PICTURES ?? 16);

const pipeline = await loadPipeline(folder);
const { images, solver, steps, seeds } = await pipeline.generate({
  count,
  seed: 7,
  onStep: ({ done, total }) => console.error(`${done}/${total}`),
});
await saveGrid(out, images);
console.log(`${count} pictures by ${steps} steps of ${solver}, seeds ${seeds[0]} to ${seeds.at(-1)}: ${out}`);

// the same seed makes the same picture, whoever asks for it
const [first] = images.data;
const again = await pipeline.generate({ count: 1, seed: 7 });
console.log(`first pixel ${first?.toFixed(3)}, made again ${again.images.data[0]?.toFixed(3)}`);
await pipeline.engine.dispose();
