/** @file The base class of layers and networks: finds parameters by walking properties, and runs `forward` in its scope. */
import { withScope } from '../graph/index.ts';
import { ConfigError } from '../tensor/index.ts';
import { Parameter } from './parameter.ts';

/** `downBlocks` → `down_blocks`; a name that is snake_case already stays: `linear_1`, `conv1`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter, at: number) => `${at > 0 ? '_' : ''}${letter.toLowerCase()}`);
}

/** How many `forward` calls are in progress. */
let depth = 0;

/** What a property of a module holds: parameters and modules, also inside arrays, each with its key below the property's. */
function* owned(value: unknown, key: string): Generator<readonly [string, Module | Parameter]> {
  if (value instanceof Module || value instanceof Parameter) yield [key, value];
  else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* owned(item, `${key}.${i}`);
  }
}

/**
 * A layer or a network. A subclass keeps parameters and submodules as plain properties (or arrays of them) and computes in
 * `forward`. A parameter's checkpoint key is its property path in snake_case with indices:
 * `downBlocks[0].resnets[1].conv1.weight` → `down_blocks.0.resnets.1.conv1.weight`.
 *
 * Calling `module.forward(x)` is all it takes for ops and errors to carry the module path: the constructor wraps the
 * subclass's `forward`, which names its submodules and runs in the scope of its own name. Private `#fields` are not
 * walked: a module kept there is invisible to checkpoints.
 */
export abstract class Module {
  /** Key below the parent that last called it, '' for the outermost module. */
  #scope = '';

  abstract forward(...args: never[]): unknown;

  constructor() {
    const forward = this.forward;
    const scoped = (...args: never[]): unknown => {
      if (depth === 0) this.namedParameters();
      for (const [key, item] of this.#owned()) if (item instanceof Module) item.#scope = key;
      depth++;
      try {
        return withScope(this.#scope, () => forward.apply(this, args));
      } finally {
        depth--;
      }
    };
    Object.defineProperty(this, 'forward', { value: scoped, enumerable: false, configurable: true, writable: true });
  }

  *#owned(): Generator<readonly [string, Module | Parameter]> {
    for (const [name, value] of Object.entries(this)) yield* owned(value, snakeCase(name));
  }

  /** This module and all below it, by path: '' is the module itself. */
  namedModules(prefix = ''): Map<string, Module> {
    const found = new Map<string, Module>([[prefix, this]]);
    for (const [key, item] of this.#owned()) {
      if (!(item instanceof Module)) continue;
      for (const [path, module] of item.namedModules(prefix === '' ? key : `${prefix}.${key}`)) found.set(path, module);
    }
    return found;
  }

  /**
   * All parameters by checkpoint key, frozen ones included, in the order of the properties. Also names them.
   * Throws `ConfigError` when one parameter is reached by two keys.
   */
  namedParameters(): Map<string, Parameter> {
    const found = new Map<string, Parameter>();
    const keys = new Map<Parameter, string>();
    for (const [path, module] of this.namedModules()) {
      for (const [key, item] of module.#owned()) {
        if (!(item instanceof Parameter)) continue;
        const full = path === '' ? key : `${path}.${key}`;
        const other = keys.get(item);
        if (other !== undefined) {
          throw new ConfigError(`one parameter is both '${other}' and '${full}'`, {
            api: 'keep a shared parameter in one module and hand it to the other at forward()',
          });
        }
        keys.set(item, full);
        found.set(full, item);
        // a longer key comes from a module further out
        if (full.length > item.name.length) item.name = full;
      }
    }
    return found;
  }

  /** The parameters that training updates: those with `trainable`. What to hand to `gradients` and to an optimizer. */
  parameters(): Parameter[] {
    return [...this.namedParameters().values()].filter((parameter) => parameter.trainable);
  }

  /** Number of scalars in all parameters. */
  parameterCount(): number {
    let count = 0;
    for (const { shape } of this.namedParameters().values()) count += shape.reduce((a, b) => a * b, 1);
    return count;
  }

  /** Draws all first values anew from `seed` and the keys below this module. Returns the module. */
  initialize(seed: number): this {
    for (const [key, parameter] of this.namedParameters()) parameter.initialize(seed, key);
    return this;
  }

  /** The present key for one found in a checkpoint; networks that renamed parameters override it. */
  migrateKey(key: string): string {
    return key;
  }
}
