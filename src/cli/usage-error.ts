/** @file An error in how a command was called; exit code 2. */
import { InkwashError } from '../tensor/index.ts';

export class UsageError extends InkwashError {}
