/** @file The module path of the code being traced, so that nodes and errors can name it. */
import { InkwashError } from '../tensor/index.ts';

const scopes: string[] = [];
const located = new WeakSet<Error>();

/** Module path of the code being traced, '' outside any module. */
export function currentScope(): string {
  return scopes.join('.');
}

/** Runs `body` with `name` appended to the module path; inkwash errors raised inside carry the path. */
export function withScope<T>(name: string, body: () => T): T {
  if (name === '') return body();
  scopes.push(name);
  try {
    return body();
  } catch (error) {
    if (error instanceof InkwashError && !located.has(error)) {
      located.add(error);
      error.message = `${error.message}\n  in module ${currentScope()}`;
    }
    throw error;
  } finally {
    scopes.pop();
  }
}
