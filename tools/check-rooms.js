#!/usr/bin/env node
/**
 * @file Proves the house rules of src/: rooms import only rooms above them, the universal part never touches Node,
 * packages with a door are imported there, files say what they are, and no value import runs in a circle.
 *
 * `node tools/check-rooms.js [src folder]` prints one line per offence, with the remedy, and exits 1 if there is any.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { maskSource, readImports } from './read-imports.js';

/** Top to bottom: a room imports from itself and from rooms that stand before it. */
const ROOMS = [
  'tensor',
  'graph',
  'autodiff',
  'onnx',
  'runtime',
  'formats',
  'nn',
  'models',
  'diffusion',
  'data',
  'training',
  'evaluation',
  'pipelines',
  'server',
  'cli',
];

/** Files at the top of src/ that gather the rooms for the outside. */
const ENTRIES = new Set(['index.ts', 'node.ts']);

/** Rooms that run in Node alone. */
const NODE_ROOMS = new Set(['server', 'cli']);

/** Packages that run in a browser as well: all that universal files may import. */
const UNIVERSAL_PACKAGES = new Set([
  'onnxruntime-common',
  'zod',
  'papaparse',
  '@dicebear/core',
  '@dicebear/collection',
]);

/** Packages that one file alone imports, because something must be done before they load. */
const DOORS = new Map([['onnxruntime-node', 'runtime/onnxruntime.node.ts']]);

const BUILTINS = new Set(builtinModules);

/** Globals of Node. `process` is a word of diffusion too, so it counts only with a member that Node's has. */
const NODE_GLOBALS =
  /(?<![\w$.])(?:process\s*\??\.\s*(?:argv|cwd|env|exit|exitCode|hrtime|memoryUsage|nextTick|off|on|once|pid|platform|stderr|stdin|stdout|version|versions)\b|Buffer\b(?!\s*:)|__dirname\b|__filename\b|setImmediate\b|require\s*\(|global\.)|\bglobalThis\.process\b|\bimport\.meta\.(?:dirname|filename)\b/g;

const root = resolve(process.argv[2] ?? 'src');
const offences = [];

function report(file, line, message, remedy) {
  offences.push(`${join(relative(process.cwd(), root), file)}:${line}  ${message}\n    ${remedy}`);
}

const isFixture = (file) => file.endsWith('.fixture.ts');
/** Tests, and the fixtures that several of them share: neither is built. */
const isTest = (file) => file.endsWith('.test.ts') || isFixture(file);
const roomOf = (file) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : undefined);
/** Whether a file may use Node. All others make up the universal part. */
const isNode = (file) => file.endsWith('.node.ts') || file === 'node.ts' || NODE_ROOMS.has(roomOf(file));

function sourceFiles() {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** A file's path below the root, or undefined when the import is of a package. */
function targetOf(file, specifier) {
  return specifier.startsWith('.')
    ? relative(root, resolve(root, dirname(file), specifier))
        .split(sep)
        .join('/')
    : undefined;
}

function packageOf(specifier) {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function checkHeader(file, source) {
  if (!source.startsWith('/** @file') && !/^\/\*\*\n \* @file/.test(source)) {
    report(file, 1, 'does not say what it is', 'open the file with /** @file One line that says what it is. */');
  }
}

function checkDirection(file, { specifier, line }) {
  const target = targetOf(file, specifier);
  if (target === undefined) return;
  if (!existsSync(join(root, target))) {
    report(
      file,
      line,
      `imports '${specifier}', which does not exist`,
      'relative imports name the file, with its .ts ending',
    );
    return;
  }
  if (target.startsWith('..')) {
    report(file, line, `imports '${specifier}' from outside src/`, 'move what it needs into a room');
    return;
  }
  if (isFixture(target) && !isTest(file)) {
    report(file, line, `imports ${target}, which is for tests alone`, 'move what it needs into a file that is built');
  }
  const room = roomOf(file);
  const targetRoom = roomOf(target);
  if (room === undefined || room === targetRoom) return;
  if (targetRoom === undefined) {
    report(file, line, `imports the entry ${target}`, 'import from the room that defines it');
  } else if (ROOMS.indexOf(targetRoom) > ROOMS.indexOf(room)) {
    const remedy = isTest(file) ? 'move this test to test/' : `move what it needs up into ${room} or a room above it`;
    report(file, line, `room ${room} imports from ${targetRoom}, which stands below it`, remedy);
  }
}

function checkUniversal(file, { specifier, line, typeOnly }) {
  if (typeOnly) return;
  const target = targetOf(file, specifier);
  const name = packageOf(specifier);
  if (target !== undefined) {
    if (isNode(target)) {
      report(
        file,
        line,
        `imports ${target}, which runs in Node alone`,
        'name this file *.node.ts, or import only its types',
      );
    }
  } else if (specifier.startsWith('node:') || BUILTINS.has(name)) {
    report(file, line, `imports the Node module '${specifier}'`, 'put what needs Node into a *.node.ts file');
  } else if (!UNIVERSAL_PACKAGES.has(name)) {
    report(
      file,
      line,
      `imports the package '${name}', which is not known to run in a browser`,
      'put what needs it into a *.node.ts file, or add it to UNIVERSAL_PACKAGES in tools/check-rooms.js',
    );
  }
}

function checkDoor(file, { specifier, line, typeOnly }) {
  const door = DOORS.get(packageOf(specifier));
  if (typeOnly || door === undefined || door === file) return;
  report(file, line, `imports '${specifier}' past its door`, `import from ${door}`);
}

function checkGlobals(file, masked) {
  for (const match of masked.matchAll(NODE_GLOBALS)) {
    const line = masked.slice(0, match.index).split('\n').length;
    report(file, line, `uses ${match[0].trim()} of Node`, 'put what needs Node into a *.node.ts file');
  }
}

/** Files that can reach themselves: strongly connected components of more than one file (Tarjan 1972). */
function checkCircles(edges) {
  const order = new Map();
  const low = new Map();
  const stack = [];
  const visit = (file) => {
    order.set(file, order.size);
    low.set(file, order.get(file));
    stack.push(file);
    for (const { target } of edges.get(file) ?? []) {
      if (!order.has(target)) visit(target);
      if (stack.includes(target)) low.set(file, Math.min(low.get(file), low.get(target)));
    }
    if (low.get(file) !== order.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    const members = new Set(circle);
    if (circle.length === 1) return;
    const { line } = edges.get(file).find(({ target }) => members.has(target));
    report(
      file,
      line,
      `value imports run in a circle: ${circle.join(' → ')} → ${file}`,
      'move what both need into a file of its own',
    );
  };
  for (const file of edges.keys()) if (!order.has(file)) visit(file);
}

const edges = new Map();
for (const file of sourceFiles()) {
  const source = readFileSync(join(root, file), 'utf8');
  const masked = maskSource(source);
  const imports = readImports(source, masked);
  if (!isTest(file) || isFixture(file)) checkHeader(file, source);
  const room = roomOf(file);
  if (room === undefined ? !ENTRIES.has(file) && !isTest(file) : !ROOMS.includes(room)) {
    report(file, 1, 'stands in no room', `the rooms are ${ROOMS.join(', ')}`);
    continue;
  }
  for (const item of imports) checkDirection(file, item);
  if (isTest(file)) continue;
  for (const item of imports) checkDoor(file, item);
  if (!isNode(file)) {
    for (const item of imports) checkUniversal(file, item);
    checkGlobals(file, masked);
  }
  const targets = imports
    .filter(({ typeOnly }) => !typeOnly)
    .map(({ specifier, line }) => ({ target: targetOf(file, specifier), line }));
  edges.set(
    file,
    targets.filter(({ target }) => target !== undefined),
  );
}
checkCircles(edges);

for (const offence of offences) console.error(offence);
if (offences.length > 0) {
  console.error(`${offences.length} offence${offences.length === 1 ? '' : 's'} against the house rules`);
  process.exitCode = 1;
} else {
  console.log(`${edges.size} files keep the house rules`);
}
