/** @file The command line: verbs and flags, errors and exit codes. */
import { createRequire } from 'node:module';
import { type CAC, type Command, cac } from 'cac';
import { RNGS, SOLVER_NAMES } from '../diffusion/gaussian/index.ts';
import { ConfigError, nearestName } from '../tensor/index.ts';
import { type ExplainFlags, explain } from './explain.ts';
import { type ExportFlags, exportModel } from './export.ts';
import { type InspectFlags, inspect } from './inspect.ts';
import { type SampleFlags, sample } from './sample.ts';
import { INTERRUPTED } from './signals.ts';
import { type SolversFlags, solvers } from './solvers.ts';
import { createTerminal, reportError, type Terminal } from './terminal.ts';
import { type TrainFlags, train } from './train.ts';
import { UsageError } from './usage-error.ts';

type Flags = Readonly<Record<string, unknown>>;

/** Runs the command line; returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export async function main(args: readonly string[]): Promise<number> {
  const debug = args.includes('--debug');
  const terminal = createTerminal({ json: args.includes('--json'), debug });
  try {
    const cli = defineCommands(terminal);
    cli.parse(['node', 'inkwash', ...args], { run: false });
    if (cli.options.help || cli.options.version) return 0;
    if (!cli.matchedCommand) {
      if (args.length === 0) {
        cli.outputHelp();
        return 2;
      }
      throw unknownVerb(cli, String(cli.args[0] ?? args[0]));
    }
    checkFlags(cli, cli.matchedCommand);
    return (await cli.runMatchedCommand()) as number;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return INTERRUPTED;
    const usage = error instanceof Error && error.name === 'CACError';
    reportError(usage ? new UsageError(error.message, 'see inkwash --help') : error, debug);
    return usage || error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
  }
}

function defineCommands(terminal: Terminal): CAC {
  const cli = cac('inkwash');
  cli
    .command('train [data]', 'Train a model on a built-in data set or a folder of pictures')
    .option('--out <folder>', 'Folder of the run (default: runs/<data>)')
    .option('--size <pixels>', 'Edge of the pictures')
    .option('--batch <n>', 'Pictures per step')
    .option('--steps <n>', 'Length of the run in steps')
    .option('--minutes <n>', 'Length of the run in minutes, everything included')
    .option('--epochs <n>', 'Length of the run in passes over the pictures')
    .option('--lr <rate>', 'Peak learning rate')
    .option('--seed <n>', 'Seed of everything random')
    .option('--resume', 'Continue the run in --out from its newest intact checkpoint')
    .option('--config <file>', 'JSON file of settings')
    .option('--set <key=value>', 'Any setting, e.g. --set optimizer.weightDecay=0.1; may be repeated')
    .option('--device <name>', 'cpu, webgpu, cuda, coreml or dml')
    .option('--threads <n>', 'Threads of one operation')
    .example('  inkwash train avatars')
    .example('  inkwash train ./my-pictures --size 32 --minutes 20')
    .action((data: string | undefined, flags: Flags) => train(data, flags as TrainFlags, terminal));
  cli
    .command('sample <model>', 'Make pictures with a run or a diffusers model folder')
    .option('-n, --count <n>', 'How many pictures (default: 64)')
    .option('--steps <n>', "Solver steps (default: the model's own)")
    .option('--timesteps <list>', 'Training times to visit in place of --steps, descending')
    .option('--solver <name>', `${SOLVER_NAMES.slice(0, 6).join(', ')}, …; with a grid: dpm++2m-karras`)
    .option('--seed <n>', 'Seed of the first picture; the others follow (default: 0)')
    .option('--label <class>', 'Class by name or number; several, separated by commas, take turns; none for any')
    .option('--caption <words>', 'Words of class names in place of --label, e.g. "red hair, glasses"')
    .option('--guidance <w>', 'Classifier-free guidance: 1 is none')
    .option('--batch <n>', 'Pictures per run of the network')
    .option('--eta <n>', 'Stochasticity of DDIM')
    .option('--rng <name>', `Noise: ${RNGS.join(', ')}`)
    .option('--columns <n>', 'Pictures per row of the grid')
    .option('--out <file>', 'The grid (default: samples/grid.png of a run, else grid.png)')
    .option('--images <folder>', 'Also write every picture on its own')
    .option('--variant <name>', 'Variant of the weights, e.g. fp16')
    .option('--device <name>', 'cpu, webgpu, cuda, coreml or dml')
    .option('--threads <n>', 'Threads of one operation')
    .example('  inkwash sample runs/avatars -n 16 --seed 7')
    .action((path: string, flags: Flags) => sample(path, flags as SampleFlags, terminal));
  cli
    .command('export <model>', 'Write the network of a run or a model folder for other programs')
    .option('--onnx', 'As an ONNX model of standard operators')
    .option('--out <file>', 'Where (default: unet.onnx in the model folder)')
    .option('--batch <n>', 'Batch size, fixed in the file (default: 1)')
    .option('--variant <name>', 'Variant of the weights, e.g. fp16')
    .action((path: string, flags: Flags) => exportModel(path, flags as ExportFlags, terminal));
  cli
    .command('inspect <subject>', 'Say what a data set, a model or a run is')
    .option('--size <pixels>', 'Edge of the pictures of a folder')
    .action((subject: string, flags: Flags) => inspect(String(subject), flags as InspectFlags, terminal));
  cli
    .command('explain [subject]', 'Say what a scheduler does: its curves, its grid, its end, its cost')
    .option('--steps <n>', "Solver steps (default: the model's own, else 50)")
    .option('--solver <name>', "In place of the model's own solver")
    .option('--data <data>', 'Draw what it does to pictures of this data set')
    .option('--model <model>', 'With --data: draw how this run or model folder brings them back')
    .option('--seed <n>', 'With --model: seed of its first picture (default: 0)')
    .option('--out <file>', 'Also as a page (.html), plots (.svg), or where the pictures go (.png)')
    .example('  inkwash explain dpm++2m --steps 20')
    .example('  inkwash explain runs/avatars --data avatars --out explain.html')
    .action((subject: string | undefined, flags: Flags) => explain(subject, flags as ExplainFlags, terminal));
  cli
    .command('solvers <model>', 'Measure every solver on a model of your own, and recommend one')
    .option('--data <data>', 'The data the model learned')
    .option('--steps <list>', 'Numbers of steps (default: 5,10,20)')
    .option('--solvers <list>', 'Solvers, separated by commas (default: all that fit)')
    .option('-n, --count <n>', 'Samples per solver (default: 40; 256 for a thorough run)')
    .option('--seed <n>', 'Seed of the first sample (default: 0)')
    .option('--within <percent>', 'How near to the reference is good enough (default: 10)')
    .option('--reference <n>', 'Steps of the reference trajectory (default: 200)')
    .option('--no-search', 'Compare and search no grids')
    .option('--batch <n>', 'Samples per run of the network')
    .option('--out <file>', 'Also as a page (.html) or a plot (.svg)')
    .option('--device <name>', 'cpu, webgpu, cuda, coreml or dml')
    .option('--threads <n>', 'Threads of one operation')
    .example('  inkwash solvers runs/avatars --data avatars')
    .action((path: string, flags: Flags) => solvers(String(path), flags as SolversFlags, terminal));
  cli.option('--json', 'Machine-readable results on stdout');
  cli.option('--debug', 'Show where errors come from');
  cli.help();
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  cli.version(version);
  return cli;
}

/** Throws `UsageError` for the first flag the command does not have, with the nearest one it has. */
function checkFlags(cli: CAC, command: Command): void {
  const options = [...command.options, ...cli.globalCommand.options];
  const known = options.flatMap(({ names }) => names);
  for (const name of Object.keys(cli.options)) {
    if (name === '--' || known.includes(name)) continue;
    if (/^\d/.test(name)) {
      throw new UsageError(`-${name} is read as a flag`, `give a negative value with an equals sign: --flag=-${name}`);
    }
    const near = nearestName(name, known);
    throw new UsageError(
      `${command.name} has no flag ${dashed(name)}`,
      near ? `did you mean ${dashed(near)}?` : `see inkwash ${command.name} --help`,
    );
  }
}

function dashed(name: string): string {
  if (name.length === 1) return `-${name}`;
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function unknownVerb(cli: CAC, verb: string): UsageError {
  const verbs = cli.commands.map(({ name }) => name);
  const near = nearestName(verb, verbs);
  return new UsageError(
    `there is no command '${verb}'`,
    near ? `did you mean 'inkwash ${near}'?` : `the commands are: ${verbs.join(', ')}`,
  );
}
